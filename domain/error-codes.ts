/**
 * Every code that an answer of the API can carry, with what it means and what to do next. `docs/errors.md` is generated from
 * this table and that of machine/error-codes.ts, and a test compares them both ways. A phrase in brackets of a `todo` stands
 * for what an answer of the API names itself.
 */
import { REQUEST_ERROR } from './request/error-codes.ts';

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
    todo: 'Change [the field that `detail` names], or have the deployment allow it (settings of the provider).',
  },
  insecureTransport: {
    status: 400,
    title: 'Secrets would travel in plain text',
    todo: 'Give the API TLS and an https:// EPHEMERA_API_URL (docs/tls.md). A VM without secretEnv and startupScript needs none, nor does a host on the same computer.',
  },
  unknownProvider: { status: 400, title: 'No such provider', todo: 'Use [one of the providers that `detail` names].' },
  unknownTemplate: {
    status: 400,
    title: 'No such template',
    todo: 'Use [one of the templates that `detail` names], or give a whole spec.',
  },
  unknownTemplateVersion: {
    status: 400,
    title: 'The template has no such version',
    todo: 'Use [one of the versions that `detail` names], or leave the version out for the one that serves.',
  },
  noMatchingHost: {
    status: 409,
    title: 'No host of the deployment can take the machine',
    todo: 'Ask for a zone and labels that a host has (GET /v1/hosts; `detail` says what each lacks), or join such a host.',
  },
  unauthenticated: {
    status: 401,
    title: 'No valid API key',
    todo: 'Send `Authorization: Bearer <key>`; `npm start` prints where the key is kept.',
  },
  sessionRefused: {
    status: 401,
    title: 'The session of the browser opens nothing',
    todo: 'Sign in again at /dashboard; programs send `Authorization: Bearer <key>`.',
  },
  forbidden: { status: 403, title: 'The key may not do this', todo: 'Use a key with the role [that `detail` names].' },
  tokenRefused: {
    status: 401,
    title: 'The agent token is not valid for a live machine',
    todo: 'Stop reporting: the machine is not the current one of its VM, or the token expired.',
  },
  hostAway: {
    status: 503,
    title: 'The host of the machine cannot be asked now',
    todo: 'Look at GET /v1/hosts and ask again when it is ready; users of the machine are not touched by this.',
  },
  hostKeyMismatch: {
    status: 502,
    title: 'What answers at the address of the host has another key',
    todo: 'Start the worker of the host again, which tells its key anew. If this lasts, another program or computer has the address of that host.',
  },
  joinTokenInvalid: {
    status: 401,
    title: 'The join token is none of this deployment',
    todo: 'Copy the whole token, or make a new one: `npm run keys -- join`, or POST /v1/hosts/join-tokens.',
  },
  joinTokenOfOtherDeployment: {
    status: 403,
    title: 'The join token is of another deployment',
    todo: 'Join the deployment that made it, or make a token here: `npm run keys -- join`, or POST /v1/hosts/join-tokens.',
  },
  joinTokenExpired: {
    status: 401,
    title: 'The join token is too old',
    todo: 'Make a new one, it lasts 15 minutes: `npm run keys -- join`, or POST /v1/hosts/join-tokens.',
  },
  joinTokenUsed: {
    status: 409,
    title: 'The join token was used by another host',
    todo: 'Make a token for each host: `npm run keys -- join`, or POST /v1/hosts/join-tokens. A host that has joined starts without one.',
  },
  notFound: { status: 404, title: 'No such page', todo: 'See /docs for the routes.' },
  methodNotAllowed: {
    status: 405,
    title: 'The path does not take this method',
    todo: 'Use a method that the Allow header names.',
  },
  unknownVm: { status: 404, title: 'No such VM', todo: 'List the VMs with GET /v1/vms.' },
  templateNotFound: { status: 404, title: 'No such template', todo: 'List the templates with GET /v1/templates.' },
  tooManyTemplates: {
    status: 409,
    title: 'The project has as many templates as it can have',
    todo: 'DELETE one that nobody needs, or PUT a new version of one that is there.',
  },
  builtInTemplate: {
    status: 409,
    title: 'The template is built in',
    todo: 'It cannot be deleted. To have creates of its name get something else, PUT a template of that name.',
  },
  hostNotFound: { status: 404, title: 'No such host', todo: 'List the hosts with GET /v1/hosts.' },
  hostInUse: {
    status: 409,
    title: 'The host takes creates, or has VMs or machines',
    todo: 'Drain it (POST /v1/hosts/{id}/drain) and repeat this when it has no machine left. If it is gone for good, wait until it is `lost`.',
  },
  consoleUnavailable: {
    status: 404,
    title: 'No console output is kept for this VM',
    todo: 'It ended more than an hour ago, or nobody keeps the console of such a machine; its timeline stays readable.',
  },
  unknownPort: {
    status: 409,
    title: 'The VM has no such TCP port',
    todo: 'Name [a TCP port of its spec].',
  },
  noHostName: {
    status: 409,
    title: 'No host name can name this port of this VM',
    todo: 'Give the VM a shorter name: port, name and project together take at most 63 characters of a host name, and no project has two dashes in a row.',
  },
  upgradeRequired: {
    status: 426,
    title: 'The path is for WebSockets',
    todo: 'Open it with a WebSocket client, and the key in its Authorization header.',
  },
  remoteAccessOff: {
    status: 403,
    title: 'The spec of the VM allows no such access',
    todo: 'Create the VM with it in `remoteAccess`, or without that field, which allows all.',
  },
  streamsUnsupported: {
    status: 409,
    title: 'The machine cannot be reached through its agent',
    todo: 'Use the address of the VM; machines whose agent has a channel to its host are reached so (docs/access.md).',
  },
  tooManyStreams: {
    status: 429,
    title: 'As many streams are open as there may be',
    todo: 'End one of them, and repeat the request after the seconds in Retry-After.',
  },
  streamLost: {
    status: 503,
    title: 'The machine cannot be reached through its agent now',
    todo: 'Repeat the request after the seconds in Retry-After; look whether the VM runs (GET /v1/vms/{name}). A command that ran was ended.',
  },
  portRefused: {
    status: 502,
    title: 'Nothing takes connections on the port',
    todo: 'See that the program in the VM listens on it, on its loopback or on all addresses.',
  },
  execFailed: {
    status: 422,
    title: 'The command could not be started in the VM',
    todo: 'Name a program that is in the image, and a directory that is there.',
  },
  ttyUnavailable: {
    status: 409,
    title: 'The VM can make no terminal',
    todo: 'Run the command without `tty`, or with an image that has `script` (util-linux).',
  },
  fileNotFound: { status: 404, title: 'The path is not in the VM', todo: 'Name a file or directory that is there.' },
  fileRefused: {
    status: 422,
    title: 'The files cannot be read or written',
    todo: 'Read `detail`: it has what tar in the VM says.',
  },
  specConflict: {
    status: 409,
    title: 'A live VM of this name has another spec',
    todo: 'Use another name, or DELETE the live VM first.',
  },
  nameTaken: {
    status: 409,
    title: 'Another deployment in this Temporal namespace has a VM of this name',
    todo: 'Use another name, or give each deployment a project name or a Temporal namespace of its own.',
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
  unsupportedAction: {
    status: 409,
    title: 'The provider cannot do this with its machines',
    todo: 'Choose [a provider with the capability that `detail` names] for the next VM.',
  },
  vmInUse: {
    status: 409,
    title: 'The VM has users',
    todo: 'Drain it, which waits for them; or repeat this with `force=true`, which cuts them off.',
  },
  neverClosed: {
    status: 404,
    title: 'No session of this name is kept',
    todo: 'List the sessions with GET /v1/sessions, or create the VM.',
  },
  vmLive: {
    status: 409,
    title: 'A VM of this name lives',
    todo: 'Use the `vm` in this answer, or close it first. A stopped one is brought back by start.',
  },
  sessionMismatch: {
    status: 409,
    title: 'The disk that is kept of this name does not fit what is asked for',
    todo: 'Reopen the session (POST /v1/vms/{name}/reopen), create it on the provider that it was closed on, or with `fresh: true`, which starts with a clean disk.',
  },
  sessionUnreadable: {
    status: 409,
    title: 'What is kept of this name cannot be trusted or opened',
    todo: 'Create the VM with its spec and secrets, which keeps its disk. The secret key of the deployment was changed since it was closed (docs/upgrading.md), or somebody has written to its workflow.',
  },
  imageHostLost: {
    status: 409,
    title: 'The host that has the image is lost or gone',
    todo: 'Bring that host back (GET /v1/hosts), and repeat this; or create the VM with `fresh: true`, which starts with a clean disk.',
  },
  imageNotFound: { status: 404, title: 'No such image', todo: 'List the images with GET /v1/images.' },
  machineImageNotFound: {
    status: 404,
    title: 'No such machine image',
    todo: 'List them with GET /v1/machine-images; a host says some seconds after `npm run image -- add` that it has a new one.',
  },
  machineImageInUse: {
    status: 409,
    title: 'Machines have the machine image',
    todo: 'Destroy or close the VMs whose disks lie over it first, then repeat this.',
  },
  imageHostAway: {
    status: 503,
    title: 'A host that has the machine image cannot be asked now',
    todo: 'Repeat this when GET /v1/hosts shows it as ready; one that does not come back is removed with DELETE /v1/hosts/{id} first.',
  },
  imageNameTaken: {
    status: 409,
    title: 'An image of this name is there already',
    todo: 'Use another name, or none; or DELETE that image first.',
  },
  imageInUse: {
    status: 409,
    title: 'The image is in use',
    todo: 'Destroy or close [the VMs that `detail` names] first, or wait until it is made.',
  },
  tooManyImages: {
    status: 409,
    title: 'The family or the project has as many images as it may have',
    todo: 'DELETE images that nobody needs; where only the family is full, name another one.',
  },
  startFailed: {
    status: 409,
    title: 'The VM could not be started, and is stopped as before',
    todo: 'Read `detail` of the `vm` in this answer, and its console; its disk is untouched by the try. Then start it again.',
  },
  endedBeforeReady: {
    status: 409,
    title: 'The VM ended before it was ready',
    todo: 'Read `reason` and `detail` of the `vm` in this answer, and its timeline; then create it again.',
  },
  ...REQUEST_ERROR,
  providerUnavailable: {
    status: 503,
    title: 'Nothing makes machines of the provider now',
    todo: 'Repeat the request after the seconds in Retry-After, or with `Prefer: respond-async`, which waits for the provider. Look at GET /v1/hosts, and at its workers.',
  },
  rateLimited: { status: 429, title: 'Too many requests', todo: 'Wait for the seconds in Retry-After.' },
  tooManyWaits: {
    status: 429,
    title: 'Too many requests of one key wait at once',
    todo: 'Wait for fewer VMs at once, or ask without `?wait` and look with GET /v1/vms/{name}.',
  },
  webhookTargetRefused: {
    status: 422,
    title: 'A webhook may not go there',
    todo: 'Give an https:// URL whose host has public addresses alone, or have the deployment allow others (EPHEMERA_WEBHOOK_PRIVATE_TARGETS).',
  },
  tooManyWebhooks: {
    status: 409,
    title: 'The project has as many webhooks as it may have',
    todo: 'Delete one that is not needed, or have one endpoint hand on what others need.',
  },
  unknownWebhook: { status: 404, title: 'No such webhook', todo: 'Look at GET /v1/webhooks.' },
  unknownEvent: {
    status: 404,
    title: 'No such event, or it is not kept any more',
    todo: 'Look at the timeline of the VM: the last 20 events of a life can be sent again.',
  },
  tooManyWatchers: {
    status: 429,
    title: 'Too many streams of events are open at once',
    todo: 'Close streams that nobody reads, share one between its readers, or raise EPHEMERA_API_WATCHERS_PER_KEY or EPHEMERA_API_WATCHERS.',
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
    todo: 'Run `npx tsx commands/start/build-vm-server.ts` on every API replica.',
  },
  notReady: { status: 503, title: 'The API is starting', todo: 'Wait until GET /readyz answers 200.' },
  unknownKey: { status: 404, title: 'No such API key', todo: 'List the keys with GET /v1/keys.' },
  keyEnded: {
    status: 409,
    title: 'The API key has ended already',
    todo: 'Nothing is to be done: it is refused everywhere. Make another one with POST /v1/keys.',
  },
  lastAdminKey: {
    status: 409,
    title: 'No good key with the role admin would be left',
    todo: 'Make or rotate one first; or repeat this with `force=true`: then `npm run keys` on the computer of the API makes the next one.',
  },
  keysNotWritable: {
    status: 409,
    title: 'The API keys cannot be changed by this replica',
    todo: 'Ask a replica on the computer where keys.json is kept, or use `npm run keys` there; where it is this one, see that the state directory can be written.',
  },
  auditNotReadable: {
    status: 409,
    title: 'The audit log cannot be read through this replica',
    todo: 'Read it where EPHEMERA_AUDIT_LOG sends it; where that is a file, see that the API may read it.',
  },
  pageTokenExpired: {
    status: 409,
    title: 'The list has changed too much to go on with this page',
    todo: 'Begin again with the first page.',
  },
  poolNotFound: { status: 404, title: 'The template has no pool', todo: 'List the pools with GET /v1/pools.' },
  poolSilent: {
    status: 503,
    title: 'No worker answers for the pool now',
    todo: 'See that a worker runs, then repeat the request after the seconds in Retry-After; the pool itself has lost nothing.',
  },
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

/** What to do next: with what an answer names in the place of the bracketed phrase, or in general words. */
export function todoText(todo: string, named?: string): string {
  return todo.replace(/\[(.*?)\]/, (_bracketed, general: string) => named ?? general);
}
