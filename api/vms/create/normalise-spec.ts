/**
 * A create request becomes a full spec: template, then overrides, then defaults. What cannot work is refused here,
 * before anything is created.
 */
import { AGENT_LOCAL_PORT } from '../../../domain/machine/local-machine.ts';
import { sealedNames } from '../../../domain/machine/sealed-input.ts';
import type { PortSpec, Readiness, VmSpec } from '../../../domain/vm/spec.ts';
import { knownTemplates, offeredTemplates } from '../../../providers/lookup.ts';
import { combined, mapValues, valuesOf, withDefaults, type KeptValues } from '../../../spec/field-values.ts';
import { SPEC_FIELDS } from '../../../spec/spec-fields.ts';
import type { CreateVmBody, TemplateSpec } from '../../../spec/spec-schemas.ts';
import type { Template } from '../../../spec/templates.ts';
import { ApiProblem } from '../../http/errors/problem.ts';
import { refuseUndeliverable, refuseUnsupported } from './refuse-unsupported.ts';
import { secretInputOf } from './secret-input.ts';

/** The stored template of the name that a request gives, where there is one, and the names of all that there are. */
export interface GivenTemplate {
  stored: Template | undefined;
  names: readonly string[];
}

/**
 * The full spec a request asks for; of what is secret only the names. `providers`: those of the deployment, the default one first.
 * `given`: absent where only built-in templates count.
 * @throws ApiProblem unknownTemplate, unknownProvider, unsupportedOption, contradictoryTimeouts or invalidRequest.
 */
export function normaliseSpec(body: CreateVmBody, providers: readonly string[], given?: GivenTemplate): VmSpec {
  const { template, base } = baseOf(body.template, providers, given);
  const asked = combined(SPEC_FIELDS, body, base);
  const provider = providerOf(asked.provider, providers);
  const { image } = asked;
  refuseUnsupported(image === undefined ? body : { ...body, image }, provider);
  if (image === undefined) throw new ApiProblem('invalidRequest', 'body.image: needed when there is no template');
  refuseTimeouts(body);
  const spec = withDefaults(SPEC_FIELDS, { ...asked, provider, image });
  refuseTooMany(spec);
  if (body.ports !== undefined) refusePorts(spec.ports);
  const ofTemplate = withDefaults(SPEC_FIELDS, base).readiness;
  const readiness = readinessOf(body.readiness, ofTemplate, spec.ports);
  const sealed = sealedNames(secretInputOf(body, spec.env));
  if (sealed !== null) refuseUndeliverable(body, provider, image, readiness);
  return fittedIntoLifetime({ template, ...spec, ...(sealed === null ? {} : { sealed }), readiness }, body);
}

function baseOf(
  name: string | undefined,
  providers: readonly string[],
  given: GivenTemplate | undefined,
): { template: VmSpec['template']; base: TemplateSpec } {
  if (name === undefined) return { template: null, base: {} };
  const offered = offeredTemplates(providers);
  const found = given?.stored ?? (Object.hasOwn(offered, name) ? offered[name] : undefined);
  if (found === undefined) {
    const known = (given?.names ?? Object.keys(offered)).join(', ');
    const elsewhere = knownTemplates();
    const isElsewhere = Object.hasOwn(elsewhere, name);
    const why = isElsewhere
      ? `The template ${name} is for ${elsewhere[name]?.spec.provider ?? 'a provider'}, which is not on offer here`
      : `There is no template ${name}`;
    throw new ApiProblem('unknownTemplate', `${why}; there is: ${known}`, { named: known });
  }
  return { template: { name, version: found.version }, base: found.spec };
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

/** Each of them alone was counted already; here those of the template come on top. */
function refuseTooMany(spec: KeptValues<typeof SPEC_FIELDS>): void {
  for (const { path, node, value } of valuesOf(SPEC_FIELDS, spec)) {
    if (!node.info.adds) continue;
    const [issue] = node.schema.safeParse(value).error?.issues ?? [];
    if (issue === undefined) continue;
    throw new ApiProblem('invalidRequest', `body.${path}: ${issue.message}, those of the template included`);
  }
}

function refusePorts(ports: readonly PortSpec[]): void {
  refuseTwice(ports.map(({ name }) => `the name ${name}`));
  refuseTwice(ports.map(({ port, protocol }) => `${protocol} ${port}`));
  if (ports.some(({ port, protocol }) => port === AGENT_LOCAL_PORT && protocol === 'tcp')) {
    throw new ApiProblem('invalidRequest', `body.ports: tcp ${AGENT_LOCAL_PORT} belongs to the agent`);
  }
}

function refuseTwice(keys: string[]): void {
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new ApiProblem('invalidRequest', `body.ports: ${twice} comes twice`);
}

function readinessOf(asked: CreateVmBody['readiness'], base: Readiness, ports: PortSpec[]): Readiness {
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

/** Durations that the longest life of the VM bounds, of a request or a whole spec, where they are numbers. */
function durationsOf(values: CreateVmBody | VmSpec): { path: string; seconds: number }[] {
  return valuesOf(SPEC_FIELDS, values).flatMap(({ path, node, value }) =>
    node.info.withinLifetime && typeof value === 'number' ? { path, seconds: value } : [],
  );
}

/** Two time-outs that the request itself names must not contradict each other. */
function refuseTimeouts(body: CreateVmBody): void {
  const { maxLifetimeSeconds } = body;
  if (maxLifetimeSeconds === undefined || maxLifetimeSeconds === null) return;
  for (const { path, seconds } of durationsOf(body)) {
    if (seconds <= maxLifetimeSeconds) continue;
    const text = `${path} (${seconds}) is longer than maxLifetimeSeconds (${maxLifetimeSeconds})`;
    throw new ApiProblem('contradictoryTimeouts', text, { named: `body.${path} or body.maxLifetimeSeconds` });
  }
}

/** A default gives way to what the request names: shorter ones shrink to it, the lifetime grows to hold it. */
function fittedIntoLifetime(spec: VmSpec, body: CreateVmBody): VmSpec {
  const named = durationsOf(body).map(({ seconds }) => seconds);
  const asked = body.maxLifetimeSeconds === undefined ? spec.maxLifetimeSeconds : body.maxLifetimeSeconds;
  if (asked === null) return staying(spec);
  const maxLifetimeSeconds = body.maxLifetimeSeconds ?? Math.max(asked, ...named);
  const fitted = mapValues(SPEC_FIELDS, spec, ({ node, value }) =>
    node.info.withinLifetime && typeof value === 'number' ? Math.min(value, maxLifetimeSeconds) : value,
  );
  return { ...fitted, maxLifetimeSeconds };
}

/** A VM without a longest life, which nobody's absence ends either: else it would end by surprise. */
function staying(spec: VmSpec): VmSpec {
  if (spec.idle.action === 'none') return { ...spec, maxLifetimeSeconds: null };
  const text = `maxLifetimeSeconds (null) needs idle.action none, which is ${spec.idle.action}`;
  throw new ApiProblem('contradictoryTimeouts', text, { named: 'body.maxLifetimeSeconds or body.idle.action' });
}
