import { keyedRoute } from '../http/route.ts';
import { auditPageSchema, auditQuerySchema } from './audit-schemas.ts';

export const listAuditRoute = keyedRoute({
  method: 'get',
  path: '/v1/audit',
  operationId: 'listAudit',
  tag: 'Audit',
  summary: 'Who changed what, and who tried to',
  description:
    'The audit log of the computer that this replica runs on, of all projects, the newest first. It reads the file that is there now: what was ' +
    'renamed away is not in it, nor what replicas on other computers wrote. One page reads a part of the file, so it may hold few entries ' +
    'or none and still have a `nextPageToken`.',
  access: 'admin',
  query: auditQuerySchema,
  replies: { 200: { description: 'A page of it.', schema: auditPageSchema } },
  errors: ['auditNotReadable', 'pageTokenExpired'],
  handle: async ({ query, gone }, api) => ({ status: 200, body: await api.auditReader.page(query, gone) }),
});
