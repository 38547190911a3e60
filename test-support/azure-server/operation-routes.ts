/** Where a long-running operation is followed, after it and everybody who began it are gone. */
import { ArmError } from './arm-error.ts';
import type { Operation } from './operation-engine.ts';
import { ok, param, VERSIONS, type Route, type RouteCall } from './routes.ts';
import type { Answer } from './store.ts';

const ANY = [...VERSIONS.compute, ...VERSIONS.disks, ...VERSIONS.galleries, ...VERSIONS.network];

function found(call: RouteCall, namespace: string): Operation {
  const id = param(call, 'operation');
  const operation = call.model.store.engine.operations.get(id);
  const isHere = operation?.namespace === namespace && operation.location === param(call, 'location');
  if (operation !== undefined && isHere) return operation;
  throw new ArmError(404, 'NotFound', `The entity was not found: operation ${id}.`);
}

/** `Azure-AsyncOperation` says how it went; `Location` answers 202 until it has ended, then as the call itself would. */
export function operationRoutes(): Route[] {
  return ['Microsoft.Compute', 'Microsoft.Network'].flatMap((namespace): Route[] => {
    const path = `providers/${namespace}/locations/{location}`;
    return [
      {
        method: 'operations.get',
        verb: 'GET',
        path: `${path}/operations/{operation}`,
        versions: ANY,
        run: (call) => {
          const { id, status, startTime, endTime, error } = found(call, namespace);
          const end = { ...(endTime === undefined ? {} : { endTime }), ...(error === undefined ? {} : { error }) };
          const headers = status === 'InProgress' ? { 'retry-after': '0' } : {};
          return { ...ok({ name: id, status, startTime, ...end }), headers };
        },
      },
      {
        method: 'operations.result',
        verb: 'GET',
        path: `${path}/operationResults/{operation}`,
        versions: ANY,
        run: (call): Answer => {
          const { status, error } = found(call, namespace);
          if (status === 'InProgress')
            return { status: 202, headers: { 'retry-after': '0' }, operation: found(call, namespace) };
          if (error === undefined) return { status: 200 };
          throw new ArmError(400, error.code, error.message);
        },
      },
    ];
  });
}

/** Where to follow it; what is answered with a body is read again where it is. */
export function operationHeaders({ operation, status }: Answer, call: RouteCall): Record<string, string> {
  if (operation === undefined) return {};
  const { namespace, location, id } = operation;
  const version = call.query.get('api-version') ?? '';
  const { subscription } = call.model.options;
  const place = `${call.base}/subscriptions/${subscription}/providers/${namespace}/locations/${location}`;
  return {
    'azure-asyncoperation': `${place}/operations/${id}?api-version=${version}`,
    ...(status === 202 ? { location: `${place}/operationResults/${id}?api-version=${version}` } : {}),
    'retry-after': '0',
  };
}
