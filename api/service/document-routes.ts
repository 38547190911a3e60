import { z } from 'zod';
import { API_ERROR, todoText } from '../../domain/error-codes.ts';
import { openRoute, type Route } from '../http/route.ts';
import { escapeHtml } from './escape-html.ts';

const HTML = 'text/html; charset=utf-8';
/** Everything a page needs is served here; nothing else may load or run. Swagger UI sets inline styles. */
export const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};

const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ephemera API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/open-docs.js"></script>
</body>
</html>
`;

/** Served as a file of its own because the policy forbids inline scripts. */
export const OPEN_DOCS_SCRIPT = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

export const docsRoute = openRoute({
  method: 'get',
  path: '/docs',
  operationId: 'getDocs',
  tag: 'Service',
  summary: 'This description as a page',
  access: 'public',
  replies: { 200: { description: 'A page.', schema: z.string(), contentType: HTML } },
  errors: [],
  handle: () => Promise.resolve({ status: 200, content: { type: HTML, data: DOCS_PAGE }, headers: PAGE_HEADERS }),
});

export const errorDocsRoute = openRoute({
  method: 'get',
  path: '/docs/errors',
  operationId: 'getErrorDocs',
  tag: 'Service',
  summary: 'Every error code, what it means and what to do',
  access: 'public',
  replies: { 200: { description: 'A page.', schema: z.string(), contentType: HTML } },
  errors: [],
  handle: () => Promise.resolve({ status: 200, content: { type: HTML, data: errorPage() }, headers: PAGE_HEADERS }),
});

function errorPage(): string {
  const entries = Object.entries(API_ERROR).map(
    ([code, { status, title, todo }]) =>
      `<h2 id="${code}">${code} (${status})</h2>\n<p>${escapeHtml(title)}. ${escapeHtml(todoText(todo))}</p>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Ephemera error codes</title></head>
<body>
<h1>Error codes</h1>
${entries.join('\n')}
</body>
</html>
`;
}

/** `/openapi.json` for a document that is made once. */
export function openApiRoute(document: () => string): Route {
  return openRoute({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    tag: 'Service',
    summary: 'This description as OpenAPI 3.1',
    access: 'public',
    replies: {
      200: {
        description: 'The document.',
        schema: z.looseObject({ openapi: z.string().describe('The version of OpenAPI.') }),
      },
    },
    errors: [],
    handle: () => Promise.resolve({ status: 200, json: document() }),
  });
}
