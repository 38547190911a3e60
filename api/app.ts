import express, { type Express } from 'express';
import type { ApiContext } from './api-context.ts';
import { mountDashboard } from './dashboard/dashboard-files.ts';
import { errorHandler } from './http/errors/error-handler.ts';
import { mountRoutes } from './http/mount-routes.ts';
import { nothingServed } from './http/errors/problem.ts';
import { requestLog } from './http/log/request-log.ts';
import { ROUTES } from './routes.ts';
import { mountDocsAssets } from './service/docs-assets.ts';

/** The express application: log, routes, then the one error handler. */
export function createApp(api: ApiContext): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  // Whose X-Forwarded-For counts: by default that of no proxy, and the address of a request is that of its connection.
  app.set('trust proxy', api.settings.api.trustedProxies);
  app.use(requestLog(api.log, api.metrics));
  app.use((_request, response, next) => {
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    next();
  });
  mountDashboard(app, api);
  mountDocsAssets(app, api);
  mountRoutes(app, ROUTES, api);
  app.use(() => {
    throw nothingServed();
  });
  app.use(errorHandler((error, facts) => api.log.error({ ...facts, err: error }, 'a request failed')));
  return app;
}
