/**
 * Calls of the API by tests and benches, with the client that is generated from docs/openapi.json: the one place that makes
 * such clients. What the client cannot send (bad input, other methods, raw bytes) is sent by plain-request.ts.
 */
import { createApiClient, type ApiClient, type CreateVm, type Problem, type Vm } from '../../client/api-client.ts';
import type { components, operations } from '../../client/api-types.ts';

/** Above the longest wait that a request may ask for. */
const DEADLINE_SECONDS = 300;

/** An answer, good or bad: a good one has none of the fields of a problem. */
export interface Answer<Body> {
  status: number;
  headers: Headers;
  body: Body & Partial<Problem>;
}

/** A VM as the API shows it, once its workflow has made up its machine's id. */
export type ShownVm = Vm & Required<Pick<Vm, 'machineId'>>;

type QueryOf<Operation extends keyof operations> = NonNullable<operations[Operation]['parameters']['query']>;
type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/** Whom to ask, as whom. `seen` is called with each answer before it is read. */
export interface Caller {
  url: string;
  key: string;
  seen?: (response: Response) => Promise<void>;
}

/** One method for each operation that tests use, named by its operationId in openapi.json. No answer is an error. */
export class ApiCalls {
  /** For headers, and for operations that have no method here. */
  readonly client: ApiClient;

  constructor({ url, key, seen }: Caller) {
    this.client = createApiClient({ url, key, deadlineSeconds: DEADLINE_SECONDS });
    if (seen !== undefined) this.client.use({ onResponse: ({ response }) => seen(response.clone()) });
  }

  createVm(body: CreateVm, query: QueryOf<'createVm'> = {}): Promise<Answer<ShownVm>> {
    return answerOf(this.client.POST('/v1/vms', { params: { query }, body })).then(shown);
  }

  getVm(name: string, query: QueryOf<'getVm'> = {}): Promise<Answer<ShownVm>> {
    return answerOf(this.client.GET('/v1/vms/{name}', { params: { path: { name }, query } })).then(shown);
  }

  listVms(query: QueryOf<'listVms'> = {}): Promise<Answer<Schema<'VmList'>>> {
    return answerOf(this.client.GET('/v1/vms', { params: { query } }));
  }

  destroyVm(name: string, query: QueryOf<'destroyVm'> = {}): Promise<Answer<ShownVm>> {
    return answerOf(this.client.DELETE('/v1/vms/{name}', { params: { path: { name }, query } })).then(shown);
  }

  drainVm(name: string): Promise<Answer<ShownVm>> {
    return answerOf(this.client.POST('/v1/vms/{name}/drain', { params: { path: { name } } })).then(shown);
  }

  stopVm(name: string, query: QueryOf<'stopVm'> = {}): Promise<Answer<ShownVm>> {
    return answerOf(this.client.POST('/v1/vms/{name}/stop', { params: { path: { name }, query } })).then(shown);
  }

  startVm(name: string, query: QueryOf<'startVm'> = {}): Promise<Answer<ShownVm>> {
    return answerOf(this.client.POST('/v1/vms/{name}/start', { params: { path: { name }, query } })).then(shown);
  }

  closeVm(name: string, query: QueryOf<'closeVm'> = {}): Promise<Answer<ShownVm>> {
    return answerOf(this.client.POST('/v1/vms/{name}/close', { params: { path: { name }, query } })).then(shown);
  }

  snapshotVm(name: string, body: Schema<'Snapshot'>): Promise<Answer<ShownVm>> {
    return answerOf(this.client.POST('/v1/vms/{name}/snapshot', { params: { path: { name } }, body })).then(shown);
  }

  reopenVm(name: string, query: QueryOf<'reopenVm'> = {}): Promise<Answer<ShownVm>> {
    return answerOf(this.client.POST('/v1/vms/{name}/reopen', { params: { path: { name }, query } })).then(shown);
  }

  listImages(): Promise<Answer<Schema<'ImageList'>>> {
    return answerOf(this.client.GET('/v1/images'));
  }

  listSessions(): Promise<Answer<Schema<'SessionList'>>> {
    return answerOf(this.client.GET('/v1/sessions'));
  }

  deleteImage(name: string): Promise<Answer<Schema<'Image'>>> {
    return answerOf(this.client.DELETE('/v1/images/{name}', { params: { path: { name } } }));
  }

  holdVm(name: string, seconds: number): Promise<Answer<ShownVm>> {
    const init = { params: { path: { name } }, body: { seconds } };
    return answerOf(this.client.POST('/v1/vms/{name}/hold', init)).then(shown);
  }

  getTimeline(name: string): Promise<Answer<Schema<'Timeline'>>> {
    return answerOf(this.client.GET('/v1/vms/{name}/timeline', { params: { path: { name } } }));
  }

  /** The body has the text of the console. */
  getConsole(name: string, query: QueryOf<'getConsole'> = {}): Promise<Answer<{ text: string }>> {
    const init = { params: { path: { name }, query }, parseAs: 'text' } as const;
    return answerOf(this.client.GET('/v1/vms/{name}/console', init)).then(({ body, ...answer }) => ({
      ...answer,
      body: typeof body === 'string' ? { text: body } : { ...(body as Problem), text: '' },
    }));
  }

  listMachineImages(): Promise<Answer<Schema<'MachineImageList'>>> {
    return answerOf(this.client.GET('/v1/machine-images'));
  }

  getMachineImage(name: string): Promise<Answer<Schema<'MachineImage'>>> {
    return answerOf(this.client.GET('/v1/machine-images/{name}', { params: { path: { name } } }));
  }

  deleteMachineImage(name: string): Promise<Answer<Schema<'MachineImage'>>> {
    return answerOf(this.client.DELETE('/v1/machine-images/{name}', { params: { path: { name } } }));
  }

  listHosts(): Promise<Answer<Schema<'HostList'>>> {
    return answerOf(this.client.GET('/v1/hosts'));
  }

  createJoinToken(): Promise<Answer<Schema<'JoinToken'>>> {
    return answerOf(this.client.POST('/v1/hosts/join-tokens'));
  }

  cordonHost(id: string): Promise<Answer<Schema<'Host'>>> {
    return answerOf(this.client.POST('/v1/hosts/{id}/cordon', { params: { path: { id } } }));
  }

  uncordonHost(id: string): Promise<Answer<Schema<'Host'>>> {
    return answerOf(this.client.POST('/v1/hosts/{id}/uncordon', { params: { path: { id } } }));
  }

  drainHost(id: string): Promise<Answer<Schema<'Host'>>> {
    return answerOf(this.client.POST('/v1/hosts/{id}/drain', { params: { path: { id } } }));
  }

  removeHost(id: string): Promise<Answer<Schema<'Host'>>> {
    return answerOf(this.client.DELETE('/v1/hosts/{id}', { params: { path: { id } } }));
  }

  drySweep(): Promise<Answer<Schema<'Sweep'>>> {
    return answerOf(this.client.GET('/v1/sweep'));
  }
}

/** Status, headers and body of what the client gives. */
export async function answerOf<Body>(
  request: Promise<{ data?: Body; error?: unknown; response: Response }>,
): Promise<Answer<NonNullable<Body>>> {
  const { data, error, response } = await request;
  const body = (data ?? error) as Answer<NonNullable<Body>>['body'];
  return { status: response.status, headers: response.headers, body };
}

/** Before its workflow has made one up, a VM has the machine id ''. */
function shown({ body, ...answer }: Answer<Vm>): Answer<ShownVm> {
  return { ...answer, body: { machineId: '', ...body } };
}
