import type { ApiKeyHolder } from '../../../security/keys/api-keys.ts';
import { vmWorkflowId } from '../../../domain/wire-names.ts';
import type { ApiContext } from '../../api-context.ts';
import type { BrowserRequest } from '../../browser/browser-request.ts';
import type { AuditEntry } from './audit-log.ts';
import type { ApiProblem } from '../errors/problem.ts';
import type { Reply, Route } from '../route.ts';

const VM_PATHS = '/v1/vms';

/** A request on its way through a route, with what is known of it so far. */
export interface Attempt {
  requestId: string;
  remoteAddress: string;
  bearer: string | undefined;
  browser: BrowserRequest;
  /** Known once the key is. */
  caller: ApiKeyHolder | undefined;
  /** The path's parameters as they came. */
  params: unknown;
  /** Known once the request is valid. */
  input: { query: unknown; body: unknown } | undefined;
  /** What the handler says it is about. */
  target?: Record<string, string>;
  /** Id of the request, for what was accepted before and is done now. */
  later?: string;
}

/** True for routes by which a caller changes something: all but GET, unless the route says otherwise. */
export function isMutation({ method, mutates }: Pick<Route, 'method' | 'mutates'>): boolean {
  return mutates ?? method !== 'get';
}

/** Writes the one line of an attempt. What is refused for too many attempts without a key is not worth the disk. */
export function audit(api: ApiContext, route: Route, attempt: Attempt, outcome: Reply | ApiProblem): void {
  if (!isMutation(route)) return;
  const who = attempt.caller ?? api.keys.ended(attempt.bearer)?.holder;
  const code = 'code' in outcome ? outcome.code : undefined;
  if (who === undefined && code === 'rateLimited') return;
  const { operationId: action, method, path } = route;
  const entry: AuditEntry = {
    at: new Date(api.now()).toISOString(),
    requestId: attempt.requestId,
    remoteAddress: attempt.remoteAddress,
    ...(who === undefined ? {} : { keyId: who.id, role: who.role, project: who.project }),
    action,
    method: method.toUpperCase(),
    path,
    ...subject(route, attempt, outcome),
    ...(attempt.later === undefined ? {} : { request: attempt.later }),
    ...(field(attempt.input?.query, 'force') === true ? { force: true } : {}),
    ...(field(attempt.input?.query, 'dryRun') === true ? { dryRun: true } : {}),
    status: outcome.status,
    ...(code === undefined ? {} : { code }),
  };
  api.auditLog.write(entry);
}

/** What it was about, from what is known to be well-formed alone. */
function subject(
  route: Route,
  { caller, params, input, target: said }: Attempt,
  outcome: Reply | ApiProblem,
): Pick<AuditEntry, 'vm' | 'target' | 'workflowId' | 'uid'> {
  if (said !== undefined) return { target: said };
  const target = route.params?.safeParse(params);
  if (!route.path.startsWith(VM_PATHS)) return target?.success ? { target: target.data } : {};
  const answered = 'members' in outcome ? outcome.members['vm'] : outcome.body;
  const asked = target?.success ? target.data : input?.body;
  const vm = text(answered, 'name') ?? text(asked, 'name');
  if (vm === undefined) return {};
  const uid = text(answered, 'uid');
  return {
    vm,
    ...(caller === undefined ? {} : { workflowId: vmWorkflowId(caller.project, vm) }),
    ...(uid === undefined ? {} : { uid }),
  };
}

function text(of: unknown, name: string): string | undefined {
  const value = field(of, name);
  return typeof value === 'string' ? value : undefined;
}

function field(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null && Object.hasOwn(of, name) ? Reflect.get(of, name) : undefined;
}
