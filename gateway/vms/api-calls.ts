/** What a gateway asks of the API, with a key of its own for each project. */
import type { Duplex } from 'node:stream';
import { createApiClient, type ApiClient, type Problem, type Vm } from '../../client/api-client.ts';
import type { VmPort } from '../../domain/gateway/vm-host-name.ts';
import { Refused, refusal } from '../refusal.ts';
import { dialThroughAgent } from './agent-stream.ts';

const CALL_SECONDS = 10;
/** One request for a VM that wakes; asked again while visitors wait. */
const WAKE_SECONDS = 30;

export interface ConnectionCount {
  connections: number;
  lease: { by: string; seconds: number };
}

/** With which links are verified, and which of them were taken back; times in RFC 3339. */
export interface LinkKey {
  publicKey: string;
  deployment: string;
  project: string;
  revokedUntil?: string;
  revokedOfVms: Record<string, string>;
}

export class ApiCalls {
  readonly #url: string;
  readonly #keys: Readonly<Record<string, string>>;
  readonly #calls: ReadonlyMap<string, ApiClient>;
  readonly #waits: ReadonlyMap<string, ApiClient>;

  constructor(url: string, keys: Readonly<Record<string, string>>) {
    this.#url = url;
    this.#keys = keys;
    const clients = (deadlineSeconds: number): Map<string, ApiClient> =>
      new Map(Object.entries(keys).map(([project, key]) => [project, createApiClient({ url, key, deadlineSeconds })]));
    this.#calls = clients(CALL_SECONDS);
    this.#waits = clients(WAKE_SECONDS + CALL_SECONDS);
  }

  /** Whether VMs of the project can be asked for. */
  knows(project: string): boolean {
    return this.#calls.has(project);
  }

  get projects(): string[] {
    return [...this.#calls.keys()];
  }

  /** A connection to a port of a VM through its agent. Rejects where the API makes none. */
  stream({ project, name, port }: VmPort): Promise<Duplex> {
    return dialThroughAgent(this.#url, this.#keys[project] ?? '', { name, port });
  }

  /** The latest life of the name; undefined where the API knows none. @throws Refused. */
  async vm(project: string, name: string): Promise<Vm | undefined> {
    const path = { params: { path: { name } } };
    const { data, error, response } = await reached(of(this.#calls, project).GET('/v1/vms/{name}', path));
    if (data !== undefined) return data;
    if (response.status === 404) return undefined;
    throw refused(response, error);
  }

  /** Whether a VM of this name was closed, and can be reopened. @throws Refused. */
  async isKept(project: string, name: string): Promise<boolean> {
    const { data, error, response } = await reached(of(this.#calls, project).GET('/v1/sessions', {}));
    if (data === undefined) throw refused(response, error);
    return data.sessions.some((session) => session.name === name);
  }

  /** Starts the VM and waits for a while until it is ready. Resolves with it as it is then. @throws Refused. */
  async start(project: string, name: string): Promise<Vm> {
    const params = { path: { name }, query: { wait: 'ready' as const, timeoutSeconds: WAKE_SECONDS } };
    const { data, error, response } = await reached(of(this.#waits, project).POST('/v1/vms/{name}/start', { params }));
    if (data !== undefined && 'uid' in data) return data;
    throw refused(response, error);
  }

  /** As {@link start}, for one that was closed. @throws Refused. */
  async reopen(project: string, name: string): Promise<Vm> {
    const params = { path: { name }, query: { wait: 'ready' as const, timeoutSeconds: WAKE_SECONDS } };
    const asked = of(this.#waits, project).POST('/v1/vms/{name}/reopen', { params });
    const { data, error, response } = await reached(asked);
    if (data !== undefined && 'uid' in data) return data;
    throw refused(response, error);
  }

  /** Undefined where the VM takes no count now. @throws Refused. */
  async count(project: string, name: string, body: ConnectionCount): Promise<Vm | undefined> {
    const asked = of(this.#calls, project).PUT('/v1/vms/{name}/connections', { params: { path: { name } }, body });
    const { data, error, response } = await reached(asked);
    if (data !== undefined) return data;
    if (response.status === 404 || response.status === 409) return undefined;
    throw refused(response, error);
  }

  /** With which links of the deployment are verified. @throws Refused. */
  async linkKey(project: string): Promise<LinkKey> {
    const { data, error, response } = await reached(of(this.#calls, project).GET('/v1/links/key', {}));
    if (data !== undefined) return data;
    throw refused(response, error);
  }
}

function of(clients: ReadonlyMap<string, ApiClient>, project: string): ApiClient {
  const client = clients.get(project);
  if (client === undefined) throw new Refused(refusal('unknownVm'));
  return client;
}

/** @throws Refused where nothing answers. */
async function reached<Answer>(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch {
    throw new Refused(refusal('apiUnavailable'));
  }
}

/** A key that the API refuses is no matter of visitors: they are told that the gateway cannot ask. */
function refused({ status }: Response, error: unknown): Refused {
  const problem = isProblem(error) ? error : undefined;
  if (problem === undefined || status === 401 || status === 403) {
    return new Refused(refusal('apiUnavailable', `The API answers the gateway with ${problem?.code ?? status}.`));
  }
  const { code, title, detail } = problem;
  return new Refused({ status: status >= 500 ? 503 : 409, code, title, detail, againSeconds: 10 });
}

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'code' in error && 'title' in error && 'detail' in error;
}
