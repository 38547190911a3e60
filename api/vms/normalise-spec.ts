/**
 * A create request becomes a full spec: template, then overrides, then defaults. What cannot work is refused here,
 * before anything is created.
 */
import { AGENT_LOCAL_PORT } from '../../domain/local-machine.ts';
import { BUILT_IN_TEMPLATES, offeredTemplates, type BuiltInTemplate } from '../../domain/templates.ts';
import { sealedNames } from '../../domain/sealed-input.ts';
import { SPEC_DEFAULTS, type IdlePolicy, type PortSpec, type Readiness, type VmSpec } from '../../domain/vm-spec.ts';
import { ApiProblem } from '../http/problem.ts';
import type { CreateVmBody } from '../schemas/create-vm.ts';
import { refuseUndeliverable, refuseUnsupported } from './refuse-unsupported.ts';
import { secretInputOf } from './secret-input.ts';

type Base = Omit<BuiltInTemplate, 'version' | 'image'> & { image?: string };

const BLANK: Base = {
  zones: [],
  cpus: SPEC_DEFAULTS.cpus,
  memoryMb: SPEC_DEFAULTS.memoryMb,
  diskGb: null,
  machineType: null,
  network: null,
  externalIp: false,
  spot: false,
  egress: false,
  labels: {},
  env: {},
  ports: [],
  readiness: { kind: 'agent', port: null, path: null, timeoutSeconds: SPEC_DEFAULTS.readinessTimeoutSeconds },
  idle: { ...SPEC_DEFAULTS.idle },
  softLifetimeSeconds: null,
  maxLifetimeSeconds: SPEC_DEFAULTS.maxLifetimeSeconds,
  onLost: 'destroy',
};

/**
 * The full spec a request asks for; of what is secret only the names. `providers`: those of the deployment, the default one first.
 * @throws ApiProblem unknownTemplate, unknownProvider, unsupportedOption, contradictoryTimeouts or invalidRequest.
 */
export function normaliseSpec(body: CreateVmBody, providers: readonly string[]): VmSpec {
  const { template, base } = baseOf(body.template, providers);
  const provider = providerOf(body.provider ?? base.provider, providers);
  const image = body.image ?? base.image;
  refuseUnsupported(image === undefined ? body : { ...body, image }, provider);
  if (image === undefined) throw new ApiProblem('invalidRequest', 'body.image: needed when there is no template');
  const ports = portsOf(body.ports) ?? base.ports;
  refuseTimeouts(body);
  const env = { ...base.env, ...body.env };
  const ready = readiness(body.readiness, base.readiness, ports);
  const sealed = sealedNames(secretInputOf(body, env));
  if (sealed !== null) refuseUndeliverable(body, provider, image, ready);
  return {
    template,
    provider,
    image,
    zones: body.zones ?? base.zones,
    cpus: body.cpus ?? base.cpus,
    memoryMb: body.memoryMb ?? base.memoryMb,
    diskGb: body.diskGb ?? base.diskGb,
    machineType: body.machineType ?? base.machineType,
    network: body.network ?? base.network,
    externalIp: body.externalIp ?? base.externalIp,
    spot: body.spot ?? base.spot,
    egress: body.egress ?? base.egress,
    labels: { ...base.labels, ...body.labels },
    env,
    ...(sealed === null ? {} : { sealed }),
    ports,
    onLost: body.onLost ?? base.onLost,
    ...timeouts(body, base, ready),
  };
}

function baseOf(name: string | undefined, providers: readonly string[]): { template: VmSpec['template']; base: Base } {
  if (name === undefined) return { template: null, base: BLANK };
  const offered = offeredTemplates(providers);
  const found = Object.hasOwn(offered, name) ? offered[name] : undefined;
  if (found === undefined) {
    const known = Object.keys(offered).join(', ');
    const isElsewhere = Object.hasOwn(BUILT_IN_TEMPLATES, name);
    const why = isElsewhere
      ? `The template ${name} is for ${BUILT_IN_TEMPLATES[name]?.provider ?? 'a provider'}, which is not on offer here`
      : `There is no template ${name}`;
    throw new ApiProblem('unknownTemplate', `${why}; there is: ${known}`, { named: known });
  }
  const { version, ...base } = found;
  return { template: { name, version }, base };
}

function providerOf(asked: string | undefined, providers: readonly string[]): string {
  const provider = asked ?? providers[0];
  if (provider === undefined || !providers.includes(provider)) {
    const known = providers.join(', ');
    throw new ApiProblem('unknownProvider', `There is no provider ${String(asked)}; there is: ${known}`, {
      named: known,
    });
  }
  return provider;
}

function portsOf(asked: CreateVmBody['ports']): PortSpec[] | undefined {
  const ports = asked?.map(({ name, port, protocol }) => ({ name, port, protocol: protocol ?? ('tcp' as const) }));
  if (ports === undefined) return undefined;
  refuseTwice(ports.map(({ name }) => `the name ${name}`));
  refuseTwice(ports.map(({ port, protocol }) => `${protocol} ${port}`));
  if (ports.some(({ port, protocol }) => port === AGENT_LOCAL_PORT && protocol === 'tcp')) {
    throw new ApiProblem('invalidRequest', `body.ports: tcp ${AGENT_LOCAL_PORT} belongs to the agent`);
  }
  return ports;
}

function refuseTwice(keys: string[]): void {
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new ApiProblem('invalidRequest', `body.ports: ${twice} comes twice`);
}

function readiness(asked: CreateVmBody['readiness'], base: Readiness, ports: PortSpec[]): Readiness {
  const kind = asked?.kind ?? base.kind;
  const timeoutSeconds = asked?.timeoutSeconds ?? base.timeoutSeconds;
  const inherited = kind === base.kind ? base : { port: null, path: null };
  if (kind === 'agent' || kind === 'machine') {
    const stray = asked?.port !== undefined ? 'port' : 'path';
    if (asked?.port === undefined && asked?.path === undefined) return { kind, port: null, path: null, timeoutSeconds };
    throw new ApiProblem('invalidRequest', `body.readiness.${stray}: readiness ${kind} takes none`);
  }
  if (kind === 'tcp' && asked?.path !== undefined) {
    throw new ApiProblem('invalidRequest', 'body.readiness.path: readiness tcp takes none');
  }
  const port = readinessPort(kind, asked?.port ?? inherited.port, ports);
  const path = kind === 'http' ? (asked?.path ?? inherited.path ?? '/') : null;
  return { kind, port, path, timeoutSeconds };
}

function readinessPort(kind: string, asked: number | null, ports: PortSpec[]): number {
  const tcp = ports.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port);
  const [only] = tcp;
  if (asked === null && tcp.length === 1 && only !== undefined) return only;
  if (asked !== null && tcp.includes(asked)) return asked;
  const which = asked === null ? 'needed' : 'not among the TCP ports of the VM';
  throw new ApiProblem('invalidRequest', `body.readiness.port: ${which}; readiness ${kind} asks one of body.ports`);
}

const BOUNDED_BY_MAX_LIFETIME = [
  ['idle.timeoutSeconds', (body: CreateVmBody) => body.idle?.timeoutSeconds],
  ['idle.firstConnectTimeoutSeconds', (body: CreateVmBody) => body.idle?.firstConnectTimeoutSeconds],
  ['idle.silenceTimeoutSeconds', (body: CreateVmBody) => body.idle?.silenceTimeoutSeconds],
  ['softLifetimeSeconds', (body: CreateVmBody) => body.softLifetimeSeconds],
  ['readiness.timeoutSeconds', (body: CreateVmBody) => body.readiness?.timeoutSeconds],
] as const;

/** Two time-outs that the request itself names must not contradict each other. */
function refuseTimeouts(body: CreateVmBody): void {
  const { maxLifetimeSeconds } = body;
  if (maxLifetimeSeconds === undefined) return;
  for (const [field, of] of BOUNDED_BY_MAX_LIFETIME) {
    const seconds = of(body);
    if (seconds === undefined || seconds <= maxLifetimeSeconds) continue;
    const text = `${field} (${seconds}) is longer than maxLifetimeSeconds (${maxLifetimeSeconds})`;
    throw new ApiProblem('contradictoryTimeouts', text, { named: `body.${field} or body.maxLifetimeSeconds` });
  }
}

/** A default gives way to what the request names: shorter ones shrink to it, the lifetime grows to hold it. */
function timeouts(body: CreateVmBody, base: Base, ready: Readiness) {
  const named = BOUNDED_BY_MAX_LIFETIME.map(([, of]) => of(body) ?? 0);
  const maxLifetimeSeconds = body.maxLifetimeSeconds ?? Math.max(base.maxLifetimeSeconds, ...named);
  const clamp = (seconds: number): number => Math.min(seconds, maxLifetimeSeconds);
  const idle: IdlePolicy = {
    timeoutSeconds: clamp(body.idle?.timeoutSeconds ?? base.idle.timeoutSeconds),
    firstConnectTimeoutSeconds: clamp(body.idle?.firstConnectTimeoutSeconds ?? base.idle.firstConnectTimeoutSeconds),
    silenceTimeoutSeconds: clamp(body.idle?.silenceTimeoutSeconds ?? base.idle.silenceTimeoutSeconds),
    action: 'destroy',
  };
  const softLifetimeSeconds = body.softLifetimeSeconds ?? base.softLifetimeSeconds;
  return {
    idle,
    readiness: { ...ready, timeoutSeconds: clamp(ready.timeoutSeconds) },
    softLifetimeSeconds: softLifetimeSeconds === null ? null : clamp(softLifetimeSeconds),
    maxLifetimeSeconds,
  };
}
