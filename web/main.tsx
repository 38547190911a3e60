/** The dashboard: pages over the public API, served by it at /dashboard (docs/dashboard.md). */
import '@mantine/core/styles.css';
import './app/app.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { pageNonce } from './app/nonce.ts';

// What keeps the page behind a dialog from scrolling makes a style element, and finds the nonce by this name.
Object.assign(globalThis, { __webpack_nonce__: pageNonce() });

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(<App />);
