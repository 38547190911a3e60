import type { ScriptCloud } from '../../cloud/startup-script.ts';

const METADATA_URL = 'http://metadata.google.internal/computeMetadata/v1/instance/attributes';

/** Start scripts on Compute Engine ask its metadata server. */
export const GCE_SCRIPTS: ScriptCloud = {
  attributeFunction: `attribute() { curl -fsS --retry 5 -H 'Metadata-Flavor: Google' "${METADATA_URL}/$1"; }`,
  proofFlag: '--gce',
  program: 'gce',
  containerHost: 'containerOptimized',
};
