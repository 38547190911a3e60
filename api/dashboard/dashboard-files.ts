/** The built dashboard, `dist/web`, as `npm start` or the package has put it there (docs/dashboard.md). */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Express, Response } from 'express';
import type { ApiContext } from '../api-context.ts';
import { nothingServed } from '../http/errors/problem.ts';

const WEB_DIR = join(import.meta.dirname, '..', '..', 'dist', 'web');
const HTML = 'text/html; charset=utf-8';
const TYPES: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
/** What the bundler names its files: with the hash of what is in them. */
const ASSET = /^[\w-]+(?:\.[\w-]+)*\.(js|css|svg)$/;
/** The place in index.html of the nonce of an answer. */
const NONCE_PLACE = '__NONCE__';
const A_YEAR_SECONDS = 365 * 24 * 3600;
const zip = promisify(gzip);

/**
 * Nothing but what this API serves loads, runs or is asked. Styles that the components make at run time carry the nonce of
 * their page; attributes are set by script, which needs none.
 */
function pageHeaders(nonce: string): Record<string, string> {
  return {
    'content-security-policy':
      `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; ` +
      "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'x-frame-options': 'DENY',
  };
}

/** Whoever opens the address of the API in a browser gets to the dashboard. */
export function mountDashboard(app: Express, { requestLimits, now }: Pick<ApiContext, 'requestLimits' | 'now'>): void {
  app.get('/', (request, response) => {
    requestLimits.takeOpen(request.ip ?? '', now());
    response.redirect('/dashboard/');
  });
  const assets = new Map<string, Asset>();
  app.get('/dashboard/assets/:file', async (request, response) => {
    requestLimits.takeOpen(request.ip ?? '', now());
    const { file } = request.params;
    const asset = assets.get(file) ?? (await readAsset(file));
    if (asset === undefined) throw nothingServed();
    assets.set(file, asset);
    sendAsset(response, asset, request.get('accept-encoding') ?? '');
  });
  app.get(/^\/dashboard(\/|$)/, async (request, response) => {
    requestLimits.takeOpen(request.ip ?? '', now());
    const nonce = randomBytes(16).toString('base64');
    const page = await readFile(join(WEB_DIR, 'index.html'), 'utf8').catch(() => undefined);
    response.status(page === undefined ? 503 : 200).set(pageHeaders(nonce));
    response.set('content-type', HTML).end((page ?? NOT_BUILT).replaceAll(NONCE_PLACE, nonce));
  });
}

interface Asset {
  type: string;
  plain: Buffer;
  zipped: Buffer;
}

async function readAsset(file: string): Promise<Asset | undefined> {
  const type = TYPES[ASSET.exec(file)?.[1] ?? ''];
  if (type === undefined) return undefined;
  const plain = await readFile(join(WEB_DIR, 'assets', file)).catch(() => undefined);
  return plain === undefined ? undefined : { type, plain, zipped: await zip(plain) };
}

function sendAsset(response: Response, { type, plain, zipped }: Asset, accepted: string): void {
  response.set({
    'content-type': type,
    'cache-control': `public, max-age=${A_YEAR_SECONDS}, immutable`,
    'cross-origin-resource-policy': 'same-origin',
    vary: 'accept-encoding',
  });
  if (!/\bgzip\b/.test(accepted)) response.end(plain);
  else response.set('content-encoding', 'gzip').end(zipped);
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Ephemera</title></head>
<body>
<h1>The dashboard is not built</h1>
<p>The API works; its pages are missing. <code>npm start</code> builds them, where the packages for development are installed;
by itself: <code>npm run dashboard</code>. Then load this page again.</p>
<p><a href="/docs">Documentation of the API</a></p>
</body>
</html>
`;
