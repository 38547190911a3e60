/** The few pages that a gateway shows itself. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Refusal } from '../refusal.ts';

export interface Page {
  status: number;
  headers: OutgoingHttpHeaders;
  body: string;
}

/** Whether a person looks: a browser that opens a page. */
export function wantsPage({ method, headers }: { method?: string | undefined; headers: IncomingHttpHeaders }): boolean {
  return (method === 'GET' || method === 'HEAD') && (headers.accept ?? '').includes('text/html');
}

const STYLE = `
:root{color-scheme:light dark;--text:#1d2129;--quiet:#5c6470;--ground:#f6f7f9;--card:#fff;--line:#dfe3e8;--mark:#3b6ea8}
@media(prefers-color-scheme:dark){:root{--text:#e8eaee;--quiet:#9aa3af;--ground:#14171c;--card:#1c2027;--line:#2d333d;--mark:#7fb0e6}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.25rem;background:var(--ground);color:var(--text);font:1rem/1.55 system-ui,sans-serif}
main{width:100%;max-width:30rem;padding:1.75rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem;overflow-wrap:anywhere}
h1{margin:0 0 .5rem;font-size:1.35rem;line-height:1.3}
p{margin:.5rem 0 0}
.quiet{color:var(--quiet);font-size:.875rem}
.bar{height:.25rem;margin:1.25rem 0 .25rem;border-radius:.25rem;background:var(--line);overflow:hidden}
.bar i{display:block;width:35%;height:100%;border-radius:inherit;background:var(--mark);animation:go 1.6s ease-in-out infinite}
@keyframes go{from{transform:translateX(-100%)}to{transform:translateX(300%)}}
@media(prefers-reduced-motion:reduce){.bar i{animation:none;width:100%;opacity:.6}}
`.replaceAll('\n', '');

/** What a visitor gets instead of the VM: a page for people, JSON for programs. */
export function refusalPage(refusal: Refusal, { forPeople, host }: { forPeople: boolean; host: string }): Page {
  const { status, code, title, detail, againSeconds } = refusal;
  const headers: OutgoingHttpHeaders = {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
    'referrer-policy': 'no-referrer',
    ...(againSeconds === undefined ? {} : { 'retry-after': `${againSeconds}` }),
  };
  if (!forPeople) {
    const body = `${JSON.stringify({ title, status, detail, code })}\n`;
    return { status, headers: { ...headers, 'content-type': 'application/problem+json' }, body };
  }
  const policy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'";
  return {
    status,
    headers: { ...headers, 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
    body: html(refusal, host),
  };
}

function html({ code, title, detail, againSeconds }: Refusal, host: string): string {
  const again = againSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${againSeconds}">`;
  const isOnItsWay = code === 'waking' || code === 'vmEnding';
  const bar = isOnItsWay ? '<div class="bar"><i></i></div>' : '';
  const quiet = isOnItsWay ? host : `${host} · ${code}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">${again}<title>${escaped(title)}</title><link rel="icon" href="data:,">
<style>${STYLE}</style></head>
<body><main${isOnItsWay ? ' aria-busy="true"' : ''}><h1>${escaped(title)}</h1><p role="status">${escaped(detail)}</p>${bar}
<p class="quiet">${escaped(quiet)}</p></main></body></html>
`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
