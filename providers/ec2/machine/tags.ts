/** What instances, volumes and images say in their tags. The metadata service of an instance shows its tags, which narrows their keys. */
import { ownerNames } from '../../../domain/machine/owner.ts';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import type { MachineRecord } from '../../cloud/machine-record.ts';
import { recordFromTexts, recordTexts } from '../../cloud/record-texts.ts';
import {
  LABEL,
  labelKeyOf,
  labelValueOf,
  ownerLabelOf,
  serverNameOf,
  type NameRule,
} from '../../cloud/resource-names.ts';

/** The record stands in as many of these as it takes. */
const RECORD_TAG = 'ephemera-record-';
export const IMAGE_TAG = 'ephemera-image';
export const DEPRECATED_TAG = 'ephemera-deprecated';

export const MOST_TAGS = 50;
const VALUE_LENGTH = 256;
const KEYS: NameRule = { pattern: /^(?!aws:)[A-Za-z0-9+\-=.,_:@]+$/, maxLength: 128 };
const VALUES: NameRule = { pattern: /^[A-Za-z0-9 +\-=._:/@]*$/, maxLength: VALUE_LENGTH };

export interface Tag {
  Key?: string | undefined;
  Value?: string | undefined;
}

type Owned = Pick<CreateMachineRequest, 'machineId' | 'owner' | 'uid'> & { spec?: CreateMachineRequest['spec'] };

/** By which people and searches find it, with the labels that its users gave it. */
export function labelTags({ machineId, owner, uid, spec }: Owned, deployment: string): Tag[] {
  const { project, vm } = ownerNames(owner);
  const own = Object.entries(spec?.labels ?? {}).map(([key, value]) => [
    labelKeyOf(key, KEYS),
    labelValueOf(value, VALUES),
  ]);
  return asTags({
    ...(Object.fromEntries(own) as Record<string, string>),
    Name: serverNameOf(deployment, machineId),
    [LABEL.deployment]: tagValueOf(deployment),
    [LABEL.machine]: tagValueOf(machineId),
    [LABEL.owner]: ownerLabelOf(owner, VALUES),
    ...(uid === undefined ? {} : { [LABEL.uid]: tagValueOf(uid) }),
    [LABEL.project]: tagValueOf(project),
    [LABEL.vm]: tagValueOf(vm),
  });
}

export function recordTags(record: object): Tag[] {
  return recordTexts(record, VALUE_LENGTH).map((text, index) => ({ Key: `${RECORD_TAG}${index}`, Value: text }));
}

/** The JSON of the record in them; undefined where there is none that is whole. */
export function recordIn(tags: readonly Tag[] | undefined): string | undefined {
  const texts = (tags ?? []).flatMap(({ Key = '', Value }) => (Key.startsWith(RECORD_TAG) ? (Value ?? []) : []));
  return recordFromTexts(texts);
}

/** The tags by which the server of a record that changes its owner is found from then on. */
export function tagsOfRecord(record: MachineRecord, spec: CreateMachineRequest['spec'] | undefined): Tag[] {
  const { machineId, owner, uid, deployment } = record.labels;
  return [
    ...labelTags({ machineId, owner, uid, ...(spec === undefined ? {} : { spec }) }, deployment),
    ...recordTags(record),
  ];
}

export function tagOf(tags: readonly Tag[] | undefined, key: string): string | undefined {
  return tags?.find(({ Key }) => Key === key)?.Value;
}

export function tagValueOf(text: string): string {
  return labelValueOf(text, VALUES);
}

export function asTags(values: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(values).map(([Key, Value]) => ({ Key, Value }));
}
