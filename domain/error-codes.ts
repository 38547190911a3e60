/**
 * Every code an error can carry, with what it means and what to do next. `docs/errors.md` is generated
 * from this table and a test compares the two both ways. A phrase in brackets of a `todo` stands for what an answer of the
 * API names itself.
 */

/** Codes of the REST API: each is the `code` of a problem+json answer. */
export const API_ERROR = {
  malformedBody: {
    status: 400,
    title: 'The body is not valid JSON',
    todo: 'Send one JSON object with Content-Type application/json.',
  },
  bodyTooLarge: { status: 413, title: 'The body is too large', todo: 'Send at most 256 KiB.' },
  unsupportedMediaType: { status: 415, title: 'The body is not JSON', todo: 'Send Content-Type: application/json.' },
  invalidRequest: {
    status: 400,
    title: 'The request does not fit the schema',
    todo: 'Correct [the fields that `detail` names]; /docs shows the schema.',
  },
  contradictoryTimeouts: {
    status: 400,
    title: 'The time-outs contradict each other',
    todo: 'Change [one of the two fields that `detail` names].',
  },
  unsupportedOption: {
    status: 400,
    title: 'The provider cannot do what the spec asks',
    todo: 'Drop [the field that `detail` names] or choose another provider.',
  },
  optionNotAllowed: {
    status: 403,
    title: 'This deployment does not allow what the spec asks',
    todo: 'Change [the field that `detail` names], or let whoever runs the deployment allow it (EPHEMERA_GCP_…).',
  },
  insecureTransport: {
    status: 400,
    title: 'Secrets would travel in plain text',
    todo: 'Give the API TLS and an https:// EPHEMERA_API_URL (docs/tls.md), or create the VM without secretEnv and startupScript.',
  },
  unknownProvider: { status: 400, title: 'No such provider', todo: 'Use [one of the providers that `detail` names].' },
  unknownTemplate: {
    status: 400,
    title: 'No such template',
    todo: 'Use [one of the templates that `detail` names], or give a whole spec.',
  },
  unauthenticated: {
    status: 401,
    title: 'No valid API key',
    todo: 'Send `Authorization: Bearer <key>`; `npm start` prints where the key is kept.',
  },
  forbidden: { status: 403, title: 'The key may not do this', todo: 'Use a key with the role [that `detail` names].' },
  tokenRefused: {
    status: 401,
    title: 'The agent token is not valid for a live machine',
    todo: 'Stop reporting: the machine is not the current one of its VM, or the token expired.',
  },
  notFound: { status: 404, title: 'No such page', todo: 'See /docs for the routes.' },
  methodNotAllowed: {
    status: 405,
    title: 'The path does not take this method',
    todo: 'Use a method that the Allow header names.',
  },
  unknownVm: { status: 404, title: 'No such VM', todo: 'List the VMs with GET /v1/vms.' },
  consoleUnavailable: {
    status: 404,
    title: 'No console output is kept for this VM',
    todo: 'It ended more than an hour ago, is on gcp, or its host cannot be reached; its timeline stays readable.',
  },
  specConflict: {
    status: 409,
    title: 'A live VM of this name has another spec',
    todo: 'Use another name, or DELETE the live VM first.',
  },
  vmEnding: {
    status: 409,
    title: 'The VM of this name is being destroyed and its name is not free yet',
    todo: 'Repeat the request after the seconds in Retry-After, or with `?wait=ready` and a longer `timeoutSeconds`; `vm` is the one that ends.',
  },
  otherLife: {
    status: 409,
    title: 'The VM of this name is not the one that `uid` names',
    todo: 'The one you mean has ended. Look at `vm`, which has its name now; to destroy that one, name its `uid` or none.',
  },
  idempotencyConflict: {
    status: 409,
    title: 'This Idempotency-Key was used for another request',
    todo: 'Use a fresh key for a new request.',
  },
  actionNotAllowed: {
    status: 409,
    title: 'The VM is in a state that does not allow this',
    todo: 'Ask again when the VM is [in a state that `detail` names].',
  },
  endedBeforeReady: {
    status: 409,
    title: 'The VM ended before it was ready',
    todo: 'Read `reason` and `detail` of the `vm` in this answer, and its timeline; then create it again.',
  },
  rateLimited: { status: 429, title: 'Too many requests', todo: 'Wait for the seconds in Retry-After.' },
  tooManyWaits: {
    status: 429,
    title: 'Too many requests of one key wait at once',
    todo: 'Wait for fewer VMs at once, or ask without `?wait` and look with GET /v1/vms/{name}.',
  },
  temporalUnavailable: {
    status: 503,
    title: 'The Temporal server does not answer',
    todo: 'Nothing was lost: repeat the request; creates are idempotent by name or Idempotency-Key.',
  },
  identityUnavailable: {
    status: 503,
    title: 'The identity of the instance cannot be checked now',
    todo: 'Repeat the exchange; see that the API reaches the cloud, whose keys it needs.',
  },
  vmServerMissing: {
    status: 503,
    title: 'The program for machines was not built here',
    todo: 'Run `npx tsx scripts/build-vm-server.ts` on every API replica.',
  },
  notReady: { status: 503, title: 'The API is starting', todo: 'Wait until GET /readyz answers 200.' },
  sweepUnavailable: {
    status: 503,
    title: 'No sweep can be made now',
    todo: 'See that a worker runs, then ask again; the regular sweeps go on by themselves.',
  },
  internal: {
    status: 500,
    title: 'A bug in Ephemera',
    todo: 'Report it with the requestId; the log line with that id has the details.',
  },
} as const satisfies Record<string, { status: number; title: string; todo: string }>;

export type ApiErrorCode = keyof typeof API_ERROR;

/** Codes of machine providers. `retryable` ones are tried again with back-off; `terminal` ones end the VM. */
export const PROVIDER_ERROR = {
  badSpec: {
    kind: 'terminal',
    title: 'The provider refuses the spec',
    todo: 'Correct the field that the message names.',
  },
  imageUnknown: { kind: 'terminal', title: 'The image does not exist', todo: 'Use an image the provider has.' },
  permissionDenied: {
    kind: 'terminal',
    title: 'The provider may not do this',
    todo: 'Grant the permission that the message names.',
  },
  machineEnded: {
    kind: 'terminal',
    title: 'The machine already ended',
    todo: 'Nothing: a machine is never started twice; create the VM again.',
  },
  bootFailed: {
    kind: 'terminal',
    title: 'The machine ended while it was starting',
    todo: 'Read the console of the VM.',
  },
  imageMissing: {
    kind: 'terminal',
    title: 'The image of virtual machines is not on this host',
    todo: 'Run `npm run image` on the host, then create the VM again.',
  },
  imageDamaged: {
    kind: 'terminal',
    title: 'The image of virtual machines is not what was built or registered',
    todo: 'Make it again on the host: the message says how (`npm run image`, or `npm run image -- add`).',
  },
  imageRefused: {
    kind: 'terminal',
    title: 'The image cannot be registered',
    todo: 'Do what the message says; an image is one qcow2 file that reads no other file of the host.',
  },
  memoryTooSmall: {
    kind: 'terminal',
    title: 'The image does not boot with so little memory',
    todo: 'Give the VM at least the `memoryMb` that the message names.',
  },
  hypervisorMissing: {
    kind: 'terminal',
    title: 'QEMU is not installed on this host',
    todo: 'Install it (Debian: `apt-get install qemu-system-x86 qemu-utils`); `npm run doctor` shows what is found.',
  },
  hypervisorTooOld: {
    kind: 'terminal',
    title: 'QEMU on this host is too old',
    todo: 'Install the version that the message names, or a newer one.',
  },
  bootHung: {
    kind: 'terminal',
    title: 'The machine did not boot in any of its tries',
    todo: 'Read the console of the VM; give it more memory, or the host less to do.',
  },
  notSigned: {
    kind: 'terminal',
    title: 'The API of this deployment did not start the VM, or not like this',
    todo: 'Create the VM through the API, again if it was started before an upgrade or a change of the secret key (docs/upgrading.md). If every create fails so: API and workers need the same EPHEMERA_SECRET_KEY and EPHEMERA_DEPLOYMENT.',
  },
  sealedInputUnreadable: {
    kind: 'terminal',
    title: 'The sealed input cannot be opened',
    todo: 'Create the VM again: the secret key of the deployment was changed after it was made, or its history is damaged.',
  },
  insecureTransport: {
    kind: 'terminal',
    title: 'Secrets would travel in plain text',
    todo: 'Give the API TLS and an https:// EPHEMERA_API_URL (docs/tls.md), then create the VM again.',
  },
  startupScriptFailed: {
    kind: 'terminal',
    title: 'The startup script failed',
    todo: 'Read the console of the VM, correct the script, and create the VM again.',
  },
  tooBig: {
    kind: 'terminal',
    title: 'The machine is bigger than the whole host',
    todo: 'Ask for no more than the host gives, as the message says, or let the host give more (EPHEMERA_HOST_…).',
  },
  portTaken: {
    kind: 'retryable',
    title: 'Another program of the host listens on the port',
    todo: 'Stop the program that listens on it on every address, or give the VM another port.',
  },
  diskFull: { kind: 'retryable', title: 'The disk of the host is full', todo: 'Make room in the state directory.' },
  noCapacity: {
    kind: 'retryable',
    title: 'No room for the machine',
    todo: 'Nothing: it keeps its place in the queue; destroy VMs that are not needed, or give the host more.',
  },
  addressesExhausted: { kind: 'retryable', title: 'No free address', todo: 'Destroy VMs that are not needed.' },
  rateLimited: { kind: 'retryable', title: 'The provider asks to slow down', todo: 'Nothing: it is tried again.' },
  hostFailure: {
    kind: 'retryable',
    title: 'The host cannot tell how a machine is, or cannot act on it',
    todo: 'Nothing: it is tried again. If it lasts, the message says what the system lacks, or which file is damaged.',
  },
  apiUnreachable: {
    kind: 'retryable',
    title: 'The API does not answer where its machines reach it, so their agents cannot report',
    todo: 'Look at the API and at EPHEMERA_API_URL; until it answers, no silent agent is held against its VM.',
  },
  backendUnavailable: {
    kind: 'retryable',
    title: 'The provider does not answer or failed',
    todo: 'Nothing: it is tried again; look at the host if it lasts.',
  },
} as const satisfies Record<string, { kind: 'terminal' | 'retryable'; title: string; todo: string }>;

export type ProviderErrorCode = keyof typeof PROVIDER_ERROR;

/** What to do next: with what an answer names in the place of the bracketed phrase, or in general words. */
export function todoText(todo: string, named?: string): string {
  return todo.replace(/\[(.*?)\]/, (_bracketed, general: string) => named ?? general);
}
