import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Express } from 'express';
import { CODE_ROOT, IS_CHECKOUT } from '../../lib/processes/checkout.ts';
import type { ApiContext } from '../api-context.ts';
import { OPEN_DOCS_SCRIPT } from './document-routes.ts';

const require = createRequire(import.meta.url);

const FILES: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** The files that /docs needs, served from the installed package: no page of ours loads anything from elsewhere. */
export function mountDocsAssets(app: Express, { requestLimits, now }: Pick<ApiContext, 'requestLimits' | 'now'>): void {
  const loaded = new Map<string, Buffer>();
  const directory = IS_CHECKOUT
    ? dirname(require.resolve('swagger-ui-dist/package.json'))
    : join(CODE_ROOT, 'dist/swagger-ui');
  app.get('/docs/assets/:file', (request, response, next) => {
    const { file } = request.params;
    requestLimits.takeDocs(request.ip ?? '', now());
    if (file === 'open-docs.js') {
      response.type('text/javascript; charset=utf-8').end(OPEN_DOCS_SCRIPT);
      return;
    }
    const type = Object.hasOwn(FILES, file) ? FILES[file] : undefined;
    if (type === undefined) {
      next();
      return;
    }
    const data = loaded.get(file) ?? readFileSync(join(directory, file));
    loaded.set(file, data);
    response.set('cache-control', 'public, max-age=3600').set('content-type', type).end(data);
  });
}
