/** Every field of a spec. Adding one here adds it to requests, templates, whole specs, documentation and refusals. */
import { z } from 'zod';
import { DNS_LABEL, LABEL_KEY, LABEL_VALUE } from '../domain/labels.ts';
import { isUserData, USER_DATA_BEGINNINGS } from '../domain/machine/cloud-init.ts';
import { MAX_EGRESS_RULES, parseEgressRule } from '../domain/network/egress.ts';
import { TIMEOUT_LIMITS } from '../domain/timeouts.ts';
import { IDLE_ACTIONS, REMOTE_ACCESS, SPEC_DEFAULTS } from '../domain/vm/spec.ts';
import { choice } from './choice.ts';
import { absentField, field, FieldGroup, FieldList, givenField, neededField, type Fields } from './field.ts';

const MAX_LABELS = 32;
const MAX_VARIABLES = 64;
const MAX_PORTS = 32;
const MAX_ZONES = 16;
const MAX_DESCRIPTION = 500;
/** It is in every view of the VM and travels through its histories. */
const MAX_USER_DATA = 8192;

const IMAGE = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,254}$/;
const RESOURCE_NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$/;
const VARIABLE_NAME = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_]{0,127}$/;
export const NO_NUL = /^[^\u0000]*$/;

/** A DNS label: names of VMs, templates, providers and zones. */
export const nameSchema = z.string().regex(DNS_LABEL, '1 to 63 of a-z, 0-9 and "-", a letter first, no "-" at the end');

/** Whole seconds, at least one, at most 30 days. */
const secondsSchema = z.int().min(TIMEOUT_LIMITS.minIdleSeconds).max(TIMEOUT_LIMITS.maxSeconds);
const portSchema = z.int().min(1).max(65_535);

const atMost = (limit: number) => (value: object) => Object.keys(value).length <= limit;

const labelsSchema = z
  .record(
    z.string().regex(LABEL_KEY, 'a label key is 1 to 63 of a-z, 0-9, ".", "_" and "-", a letter first'),
    z.string().regex(LABEL_VALUE, 'a label value is at most 63 of A-Z, a-z, 0-9, ".", "_" and "-"'),
  )
  .refine(atMost(MAX_LABELS), `at most ${MAX_LABELS} labels`)
  .meta({ maxProperties: MAX_LABELS });

export const variablesSchema = z
  .record(
    z.string().regex(VARIABLE_NAME, 'a variable name is 1 to 128 of A-Z, a-z, 0-9 and "_", no digit first'),
    z.string().max(2048).regex(NO_NUL, 'must not hold a NUL character'),
  )
  .refine(atMost(MAX_VARIABLES), `at most ${MAX_VARIABLES} variables`)
  .meta({ maxProperties: MAX_VARIABLES });

const egressSchema = z.union(
  [
    z.boolean(),
    z
      .array(
        z.string().superRefine((text, context) => {
          const rule = parseEgressRule(text);
          if (typeof rule === 'string') context.addIssue({ code: 'custom', message: rule });
        }),
      )
      .max(MAX_EGRESS_RULES),
  ],
  'must be true, false or a list of rules such as 443/tcp or 192.0.2.0/24',
);

export const PROTOCOL_TEXT = choice('What the port takes.', {
  tcp: 'connections',
  udp: 'datagrams, where the provider can',
});

const { idle: IDLE } = SPEC_DEFAULTS;

export const SPEC_FIELDS = {
  provider: givenField(nameSchema, {
    text: 'Who makes the machine.',
    without: 'the first one of the deployment',
    leftOut: 'Default: that of the template, or the first one of the deployment.',
  }),
  image: givenField(z.string().regex(IMAGE, 'not an image name'), {
    text: 'What the machine boots: a name that the provider knows.',
    without: 'none, so that a request names it',
    leftOut: 'Default: that of the template; needed without one.',
  }),
  description: absentField(z.string().max(MAX_DESCRIPTION).regex(NO_NUL, 'must not hold a NUL character'), {
    text: 'What the VM is for, in words for people.',
    without: 'none',
  }),
  zones: field(z.array(nameSchema).max(MAX_ZONES), {
    text: 'Zones of the provider, or of our own hosts, tried in this order.',
    default: [],
    without: 'those of the deployment, where there are any',
    capability: 'zones',
  }),
  hostSelector: absentField(labelsSchema, {
    text: 'Labels that the host of the machine must have, where hosts of ours run machines.',
    without: 'any host',
    capability: 'hostSelector',
  }),
  cpus: field(z.int().min(1).max(256), { text: 'Virtual processors.', default: SPEC_DEFAULTS.cpus }),
  memoryMb: field(z.int().min(64).max(4_194_304), {
    text: 'Memory in MiB.',
    default: SPEC_DEFAULTS.memoryMb,
  }),
  diskGb: field(z.int().min(1).max(65_536), {
    text: 'Size of the disk in GiB.',
    default: null,
    without: 'as big as the image',
    capability: 'disk',
  }),
  machineType: field(z.string().regex(RESOURCE_NAME, 'not a machine type'), {
    text: 'A machine type of the provider, instead of `cpus` and `memoryMb`.',
    default: null,
    without: 'chosen by `cpus` and `memoryMb`',
    capability: 'machineType',
  }),
  network: field(z.string().regex(RESOURCE_NAME, 'not a network name'), {
    text: 'A network or subnetwork of the provider.',
    default: null,
    without: 'the first one that the deployment allows',
    capability: 'network',
  }),
  externalIp: field(z.boolean(), {
    text: 'Whether the machine has an address on the internet.',
    default: false,
    capability: 'externalIp',
  }),
  spot: field(z.boolean(), {
    text: 'Whether the provider may take the machine back at any time, for a lower price.',
    default: false,
    capability: 'spot',
  }),
  egress: field(egressSchema, {
    text:
      'What the machine may reach. True: the internet. A list, where the provider can: what its rules name, as `443/tcp`, ' +
      '`27000-27100/udp`, `192.0.2.0/24` or `198.51.100.7/32:8080/tcp` (docs/networking.md).',
    default: false,
    without: '`false`, nothing',
    capability: 'egress',
    listCapability: { capability: 'egressRules', name: 'egress as a list of rules' },
  }),
  labels: field(labelsSchema, { text: 'Yours to find VMs by: `?label=key=value`.', default: {}, adds: true }),
  env: field(variablesSchema, {
    text: 'Environment of the app in the machine. Everybody who reads the VM reads it: secrets belong into `secretEnv`.',
    default: {},
    adds: true,
  }),
  userData: absentField(
    z
      .string()
      .max(MAX_USER_DATA)
      .regex(NO_NUL, 'must not hold a NUL character')
      .refine(
        isUserData,
        `must begin with one of ${USER_DATA_BEGINNINGS.join(', ')}: cloud-init ignores anything else`,
      ),
    {
      text:
        'What cloud-init in the machine does at its first boot, where the image has cloud-init: a `#cloud-config`, or a script ' +
        'that begins with `#!`. Everybody who reads the VM reads it, and so does whoever is in the machine: secrets belong into `secretEnv`.',
      without: 'nothing',
      capability: 'userData',
    },
  ),
  ports: new FieldList(
    {
      name: neededField(nameSchema, 'Name of the port, unique in the VM.'),
      port: neededField(portSchema, 'Port in the machine, and at its address.'),
      protocol: field(z.enum(['tcp', 'udp']), {
        text: PROTOCOL_TEXT,
        default: 'tcp',
        valueCapability: { udp: { capability: 'udpPorts', name: 'UDP ports' } },
      }),
    },
    { text: 'Ports that the app listens on. Names and port/protocol pairs are unique.', most: MAX_PORTS },
  ),
  readiness: new FieldGroup(
    {
      kind: field(z.enum(['agent', 'http', 'tcp', 'machine']), {
        text: choice('When the VM counts as ready.', {
          agent: 'the agent in the machine says so',
          http: 'a GET of `path` on `port` answers 2xx or 3xx',
          tcp: '`port` takes a connection',
          machine: 'the machine runs',
        }),
        default: 'agent',
        valueCapability: { tcp: { capability: 'tcpReadiness' } },
      }),
      port: field(portSchema, {
        text: 'TCP port that is asked, with `http` and `tcp`.',
        default: null,
        without: 'the only TCP port',
        leftOut: 'One of `ports`. Default: that of the template, or the only TCP port.',
        kept: 'Else null.',
      }),
      path: field(z.string().regex(/^\/[\x21-\x7e]{0,1023}$/, 'must begin with "/" and have no spaces'), {
        text: 'Path that is asked, with `http`.',
        default: null,
        without: '`/`',
        kept: 'Else null.',
      }),
      timeoutSeconds: field(secondsSchema, {
        text: 'The VM ends as `notReady` when it is not ready this long after its machine was made.',
        default: SPEC_DEFAULTS.readinessTimeoutSeconds,
        withinLifetime: true,
      }),
    },
    {
      text: 'When the VM counts as ready.',
      leftOut: 'Default: that of the template; without a template its agent says so.',
    },
  ),
  idle: new FieldGroup(
    {
      timeoutSeconds: field(secondsSchema, {
        text: 'The VM ends when nobody has been connected for this long after use.',
        default: IDLE.timeoutSeconds,
        withinLifetime: true,
      }),
      firstConnectTimeoutSeconds: field(secondsSchema, {
        text: 'The VM ends when it has been ready for this long and nobody ever connected.',
        default: IDLE.firstConnectTimeoutSeconds,
        withinLifetime: true,
      }),
      silenceTimeoutSeconds: field(secondsSchema, {
        text:
          'When the agent has not reported for this long its count is unknown and the provider is asked whether the machine runs; ' +
          'after as long again the VM ends as `lost`.',
        default: IDLE.silenceTimeoutSeconds,
        withinLifetime: true,
      }),
      action: field(z.enum(IDLE_ACTIONS), {
        text: choice('What follows then, and when a drain is through.', {
          destroy: 'the VM ends and its machine is removed',
          stop: 'its machine is stopped and keeps its disk, until somebody starts it or asks for its name',
          suspend: 'its memory is kept too, where the provider can; it is stopped where it cannot be suspended',
          close: 'it is kept as an image, where the provider can',
          none: 'nothing: it stays, empty or not',
        }),
        default: 'destroy',
        valueCapability: {
          stop: { capability: 'stop', name: 'idle.action stop (it lacks the capability stop)' },
          suspend: { capability: 'suspend', name: 'idle.action suspend (it lacks the capability suspend)' },
          close: { capability: 'close', name: 'idle.action close (it lacks the capability close)' },
        },
      }),
      retentionSeconds: absentField(secondsSchema, {
        text: 'A stopped VM ends when nobody has started it for this long; one that is suspended is stopped then.',
        without: 'at the end of `maxLifetimeSeconds`, which counts in any case',
        withinLifetime: true,
      }),
    },
    { text: 'When nobody uses the VM any more.' },
  ),
  softLifetimeSeconds: field(secondsSchema, {
    text: 'From this age on the VM ends as soon as it is empty.',
    default: null,
    without: 'never',
    withinLifetime: true,
  }),
  maxLifetimeSeconds: field(secondsSchema.nullable(), {
    text: 'At this age the VM ends, whoever uses it. Null: never; it stays until it is destroyed, which needs `idle.action` `none`.',
    default: SPEC_DEFAULTS.maxLifetimeSeconds,
  }),
  onLost: field(z.enum(['destroy', 'recreate']), {
    text: choice('What follows when the machine is lost.', {
      destroy: 'the VM ends as `lost` or `preempted`',
      recreate: 'it gets a new machine under its name, at most five times',
    }),
    default: 'destroy',
  }),
  remoteAccess: absentField(z.array(z.enum(REMOTE_ACCESS)).max(REMOTE_ACCESS.length), {
    text:
      'Which ways in through the agent are open to holders of keys: `ports` to connect to its TCP ports, `exec` to run commands, ' +
      '`files` to read and write files. An empty list shuts all.',
    without: 'all of them',
    emptyCounts: true,
  }),
} satisfies Fields;
