import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { BrowserRouter } from 'react-router';
import { ApiRefusal } from '../../client/api-client.ts';
import { Notices } from '../parts/notices.tsx';
import { useSessionState } from '../session/session.ts';
import { SignIn } from '../session/sign-in.tsx';
import { pageNonce } from './nonce.ts';
import { Pages } from './pages.tsx';
import { THEME, VARIABLES } from './theme.ts';

const RETRY_MS = { first: 500, last: 5000 } as const;

const QUERIES = new QueryClient({
  defaultOptions: {
    queries: {
      // The browser's own opinion of being online says nothing of an API on this computer.
      networkMode: 'always',
      // What the API refuses it refuses again; what does not answer is asked until it does.
      retry: (_count, error) => !(error instanceof ApiRefusal) || error.status >= 500,
      retryDelay: (count) => Math.min(RETRY_MS.last, RETRY_MS.first * 2 ** count),
      staleTime: 1000,
    },
    mutations: { networkMode: 'always' },
  },
});

/** The whole dashboard: signed in its pages, else the sign-in. */
export function App() {
  return (
    <MantineProvider
      theme={THEME}
      cssVariablesResolver={VARIABLES}
      defaultColorScheme="auto"
      getStyleNonce={pageNonce}
      deduplicateInlineStyles
    >
      <QueryClientProvider client={QUERIES}>
        <BrowserRouter basename="/dashboard">
          <Content />
        </BrowserRouter>
        <Notices />
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Content() {
  const { session, ended } = useSessionState();
  if (session === null) {
    // What one key saw is nothing for the next.
    QUERIES.clear();
    return <SignIn ended={ended} />;
  }
  return <Pages key={session.keyId} />;
}
