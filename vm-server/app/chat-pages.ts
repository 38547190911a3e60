import type { RequestListener, ServerResponse } from 'node:http';

/** The texts of the web page. */
export interface ChatPage {
  html: string;
  css: string;
  js: string;
  /** Shown as the name of the chat. */
  title: () => string;
}

/** Everything comes from this server alone; the page embeds nothing and is embedded nowhere. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
};

interface Page {
  type: string;
  body: () => string;
}

/** Answers GET and HEAD of the page, `/healthz` and `/status`. */
export function chatPages(page: ChatPage, status: () => object): RequestListener {
  const html = (): string => page.html.replaceAll('{{title}}', () => escapeHtml(page.title()));
  const pages = new Map<string, Page>([
    ['/', { type: 'text/html; charset=utf-8', body: html }],
    ['/chat.css', { type: 'text/css; charset=utf-8', body: () => page.css }],
    ['/chat.js', { type: 'text/javascript; charset=utf-8', body: () => page.js }],
    ['/healthz', { type: 'text/plain; charset=utf-8', body: () => 'ok' }],
    ['/status', { type: 'application/json', body: () => JSON.stringify(status()) }],
  ]);
  return (request, response) => {
    const found = pages.get(request.url?.split('?')[0] ?? '/');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(response, 405, { type: 'text/plain', body: () => 'Use GET.\n' });
    } else if (!found) {
      send(response, 404, { type: 'text/plain', body: () => 'Not here. The chat is at /.\n' });
    } else {
      send(response, 200, found);
    }
  };
}

function send(response: ServerResponse, statusCode: number, { type, body }: Page): void {
  response.writeHead(statusCode, {
    ...SECURITY_HEADERS,
    ...(statusCode === 405 ? { allow: 'GET, HEAD' } : {}),
    'content-type': type,
  });
  response.end(body());
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
