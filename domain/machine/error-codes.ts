/** Codes of machine providers. `retryable` ones are tried again with back-off; `terminal` ones end the VM. */
export const PROVIDER_ERROR = {
  badSpec: {
    kind: 'terminal',
    title: 'The provider refuses the spec',
    todo: 'Correct the field that the message names.',
  },
  imageUnknown: { kind: 'terminal', title: 'The image does not exist', todo: 'Use an image the provider has.' },
  imageGone: {
    kind: 'terminal',
    title: 'The image that the VM starts from is not there any more',
    todo: 'Look at GET /v1/images and reopen the session, which takes its newest image; `fresh: true` starts clean.',
  },
  imageQuotaExceeded: {
    kind: 'terminal',
    title: 'The provider takes no more images',
    todo: 'Delete images that nobody needs (DELETE /v1/images/{name}) or get more quota, and repeat the close or snapshot.',
  },
  tooManyImages: {
    kind: 'terminal',
    title: 'The project has as many images as it may have',
    todo: 'Nothing was made, and the VM is stopped with its disk: DELETE images that nobody needs, then close it again.',
  },
  machineRuns: {
    kind: 'terminal',
    title: 'The machine runs, and an image is made from a stopped one',
    todo: 'Repeat the close or snapshot: it stops the machine first.',
  },
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
    title: 'An image of virtual machines, or the disk of one, is not what was made',
    todo: 'Do what the message says: make the image again on the host (`npm run image`, or `npm run image -- add`), or destroy the VM whose disk it is.',
  },
  imageUnreachable: {
    kind: 'retryable',
    title: 'The image could not be brought to the host',
    todo: 'Do what the message says if it lasts: another host is tried, and then each one again. Start the host that has the image (GET /v1/machine-images), or register it again.',
  },
  imageRefused: {
    kind: 'terminal',
    title: 'The image cannot be registered',
    todo: 'Do what the message says; an image is one qcow2 file that reads no other file of the host, or a container image.',
  },
  toolMissing: {
    kind: 'terminal',
    title: 'A program that the host needs for this is not installed',
    todo: 'Install the package that the message names.',
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
  networkUnavailable: {
    kind: 'terminal',
    title: 'The host gives its guests no network of their own',
    todo: 'Do what the message says on the host (`npm run doctor` shows it), or ask for neither `egress` nor UDP ports.',
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
  noMatchingHost: {
    kind: 'terminal',
    title: 'No host can take the machine',
    todo: 'Ask for a zone, labels and a size that a host has (GET /v1/hosts), or join such a host.',
  },
  imageElsewhere: {
    kind: 'retryable',
    title: 'The image is not on the host that took the create',
    todo: 'Nothing: another host takes it; when no host has the image, the create fails and names them.',
  },
  notMatching: {
    kind: 'retryable',
    title: 'The machine may not be on the host that took its create',
    todo: 'Nothing: another host takes it.',
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
  otherHost: {
    kind: 'retryable',
    title: 'The machine is on another host, and this one cannot speak for it',
    todo: 'Nothing: it is tried again until its own host takes it; start that host if it is down.',
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
