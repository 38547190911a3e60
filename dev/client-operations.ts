/** Makes `client/operations.ts`: what the client has to know of each request, read from openapi.json. */
import { format } from 'prettier';

/** What of openapi.json is read here. */
export interface OpenApi {
  paths: Record<string, Record<string, OpenApiOperation>>;
  components: { schemas: Record<string, unknown> };
}

export interface OpenApiOperation {
  operationId: string;
  summary: string;
  description?: string;
  parameters?: { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: unknown }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: unknown }> };
  responses: Record<string, { content?: Record<string, { schema: unknown }> }>;
}

/** They make what an Idempotency-Key finds again, or bring a VM or a host into a state; any other POST is done once. */
const POST_REPEATABLE: ReadonlySet<string> = new Set([
  ...['createVm', 'reopenVm', 'drainVm', 'undrainVm', 'holdVm', 'stopVm', 'startVm', 'suspendVm', 'resumeVm'],
  ...['cordonHost', 'uncordonHost', 'drainHost', 'enableWebhook'],
]);

/** Every operation with its method and path, in the order of the document. */
export function operationsOf({ paths }: OpenApi): { method: string; path: string; operation: OpenApiOperation }[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

/** Whether a request may be asked again when its answer was lost. */
export function isRepeatable(method: string, { operationId }: OpenApiOperation): boolean {
  // The body of files is a stream, which cannot be sent again.
  return method === 'POST' ? POST_REPEATABLE.has(operationId) : operationId !== 'writeFiles';
}

export async function clientOperations(openApiText: string): Promise<string> {
  const lines = operationsOf(JSON.parse(openApiText) as OpenApi).map(({ method, path, operation }) => {
    const named = (where: string): string[] =>
      (operation.parameters ?? []).filter((one) => one.in === where).map(({ name }) => name);
    const entry = { method, path, query: named('query'), headers: named('header') };
    return `${operation.operationId}: ${JSON.stringify({ ...entry, isRepeatable: isRepeatable(method, operation) })},`;
  });
  const text = [
    '/** Generated from docs/openapi.json by dev/generate-docs.ts. */',
    "import type { Operation, OperationId } from './operation-types.ts';",
    '',
    'export const OPERATIONS: Readonly<Record<OperationId, Operation>> = {',
    ...lines,
    '};',
  ];
  return format(text.join('\n'), { parser: 'typescript', printWidth: 120, singleQuote: true });
}
