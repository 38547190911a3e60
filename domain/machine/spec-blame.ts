import type { ProviderErrorCode } from './error-codes.ts';

/** Terminal errors of a create that say something of the host or of the deployment, and nothing of the spec. */
const OF_THE_DEPLOYMENT: readonly ProviderErrorCode[] = [
  'permissionDenied',
  'machineEnded',
  'imageMissing',
  'imageGone',
  'imageDamaged',
  'hypervisorMissing',
  'hypervisorTooOld',
  'notSigned',
  'sealedInputUnreadable',
  'insecureTransport',
];

/** Whether a terminal failure of this type says that no machine can be made of the spec. */
export function blamesSpec(type: string | null | undefined): boolean {
  return !OF_THE_DEPLOYMENT.some((code) => code === type);
}
