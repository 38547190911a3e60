/** Rules on names, labels and scheduling that Compute Engine checks before it accepts anything. */
import { ApiError, invalidField } from './api-error.ts';
import type { Instance } from './resources.ts';

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const LABEL_VALUE = /^[a-z0-9_-]{0,63}$/;
const TAG = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const MAX_LABELS = 64;
const RUN_SECONDS = { least: 30, most: 120 * 24 * 3600 };
const METADATA_LIMIT_BYTES = 256 * 1024;
const ALL_METADATA_LIMIT_BYTES = 512 * 1024;

export function checkName(name: unknown, field = 'resource.name'): asserts name is string {
  if (typeof name === 'string' && NAME.test(name)) return;
  throw invalidField(field, name, `Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'`);
}

export function checkLabels(labels: Record<string, string> = {}, field = 'resource.labels'): void {
  const entries = Object.entries(labels);
  if (entries.length > MAX_LABELS) throw invalidField(field, entries.length, `At most ${MAX_LABELS} labels.`);
  for (const [key, value] of entries) {
    if (!LABEL_KEY.test(key))
      throw invalidField(field, key, 'Label keys must be lower-case and at most 63 characters.');
    if (!LABEL_VALUE.test(value)) {
      throw invalidField(field, value, 'Label values must be lower-case and at most 63 characters.');
    }
  }
}

export function checkMetadata(items: { key: string; value: string }[] = []): void {
  const keys = items.map(({ key }) => key);
  if (new Set(keys).size < keys.length) throw invalidField('resource.metadata.items', keys, 'Duplicate key.');
  for (const { key, value } of items) {
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(key)) throw invalidField('resource.metadata.items.key', key, 'Not a key.');
    if (Buffer.byteLength(value) > METADATA_LIMIT_BYTES) {
      throw invalidField('resource.metadata.items.value', key, 'The value is larger than 262144 bytes.');
    }
  }
  const bytes = items.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (bytes <= ALL_METADATA_LIMIT_BYTES) return;
  throw invalidField('resource.metadata.items', bytes, 'All of the metadata is larger than 524288 bytes.');
}

/** The rules of an instance that need nothing but the instance. */
export function checkInstance(instance: Instance, zone: string): void {
  checkName(instance.name);
  checkLabels(instance.labels);
  checkMetadata(instance.metadata?.items);
  for (const tag of instance.tags?.items ?? []) if (!TAG.test(tag)) throw invalidField('resource.tags.items', tag, '');
  const type = /^(?:.*\/)?zones\/([^/]+)\/machineTypes\/([^/]+)$/.exec(instance.machineType ?? '');
  if (type?.[1] !== zone) throw invalidField('resource.machineType', instance.machineType, 'The URL is malformed.');
  checkMachineType(type[2] ?? '');
  const boots = (instance.disks ?? []).filter(({ boot }) => boot === true);
  if (boots.length !== 1) throw new ApiError(400, 'invalid', 'Boot disk must be specified: exactly one disk has boot');
  for (const { initializeParams } of instance.disks ?? []) {
    if (initializeParams?.diskName !== undefined) checkName(initializeParams.diskName, 'resource.disks[0].diskName');
    checkLabels(initializeParams?.labels, 'resource.disks[0].initializeParams.labels');
    const size = Number(initializeParams?.diskSizeGb ?? 10);
    if (size < 10) throw invalidField('resource.disks[0].initializeParams.diskSizeGb', size, 'Smaller than the image.');
  }
  if ((instance.networkInterfaces ?? []).length === 0) {
    throw new ApiError(400, 'required', 'At least one network interface is required.');
  }
  checkScheduling(instance);
}

function checkMachineType(name: string): void {
  const custom = /^e2-custom-(\d+)-(\d+)$/.exec(name);
  if (custom === null) {
    if (/^[a-z]\d[a-z]?-[a-z]+(-\d+)?$/.test(name)) return;
    throw invalidField('resource.machineType', name, 'No such machine type.');
  }
  const [cpus, memoryMb] = [Number(custom[1]), Number(custom[2])];
  const ratio = memoryMb / cpus;
  if (cpus % 2 !== 0 || cpus > 32 || memoryMb % 256 !== 0 || ratio < 512 || ratio > 8192) {
    throw invalidField('resource.machineType', name, 'Custom machine type rules are violated.');
  }
}

function checkScheduling({ scheduling = {} }: Instance): void {
  const spot = scheduling.provisioningModel === 'SPOT';
  if (spot && scheduling.automaticRestart === true) {
    throw invalidField('resource.scheduling.automaticRestart', true, 'Not allowed for SPOT instances.');
  }
  if (spot && scheduling.onHostMaintenance === 'MIGRATE') {
    throw invalidField('resource.scheduling.onHostMaintenance', 'MIGRATE', 'SPOT instances must use TERMINATE.');
  }
  if (scheduling.maxRunDuration !== undefined) {
    const seconds = Number(scheduling.maxRunDuration.seconds);
    if (seconds < RUN_SECONDS.least || seconds > RUN_SECONDS.most) {
      throw invalidField('resource.scheduling.maxRunDuration', seconds, 'Must be 30 seconds to 120 days.');
    }
    if (scheduling.instanceTerminationAction === undefined) {
      throw invalidField('resource.scheduling.instanceTerminationAction', '', 'Is required with maxRunDuration.');
    }
  } else if (!spot && scheduling.instanceTerminationAction !== undefined) {
    throw invalidField('resource.scheduling.instanceTerminationAction', '', 'Needs SPOT or maxRunDuration.');
  }
}
