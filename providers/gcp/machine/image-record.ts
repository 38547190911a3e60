/** What an image of a machine says of itself, and how that is written into it. */
import { ownerNames } from '../../../domain/machine/owner.ts';
import type { MachineImage } from '../../../domain/machine/provider.ts';
import { parseImageRecord, type ImageRecord } from '../../cloud/image-record.ts';
import type { ImageResource } from '../calls/compute-api.ts';
import { LABEL } from '../../cloud/resource-names.ts';
import { labelValueOf, ownerLabelOf } from './instance-names.ts';

/** The record of an image, or undefined when it is none of ours. */
export function imageRecordOf({ description = '' }: ImageResource): ImageRecord | undefined {
  return parseImageRecord(description);
}

/** What an image is told at its making. */
export function writtenRecord(record: ImageRecord): Pick<ImageResource, 'description' | 'labels'> {
  const { deployment, machineId, owner } = record;
  const { project, vm } = ownerNames(owner);
  const labels = {
    [LABEL.deployment]: labelValueOf(deployment),
    [LABEL.machine]: labelValueOf(machineId),
    [LABEL.owner]: ownerLabelOf(owner),
    [LABEL.project]: labelValueOf(project),
    [LABEL.vm]: labelValueOf(vm),
  };
  return { description: JSON.stringify(record), labels };
}

/** The image as everybody else knows it. */
export function machineImageOf(
  { imageId: name, family, owner }: ImageRecord,
  { creationTimestamp, status, deprecated, archiveSizeBytes }: ImageResource,
): MachineImage {
  const sizeBytes = Number(archiveSizeBytes ?? NaN);
  return {
    ...{ name, family, owner },
    createdAt: Date.parse(creationTimestamp ?? '') || 0,
    status: status === 'READY' ? 'ready' : status === 'FAILED' ? 'failed' : 'pending',
    deprecated: deprecated?.state !== undefined && deprecated.state !== 'ACTIVE' && deprecated.state !== '',
    ...(Number.isSafeInteger(sizeBytes) ? { sizeBytes } : {}),
  };
}
