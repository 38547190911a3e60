/** What our resources say of themselves, in tags: at most 50 of them, with values of at most 256 characters. */
import { ownerNames } from '../../../domain/machine/owner.ts';
import type { MachineLabels } from '../../../domain/machine/provider.ts';
import type { PowerWish } from '../../cloud/cloud.ts';
import { parseImageRecord, type ImageRecord } from '../../cloud/image-record.ts';
import { parseMachineRecord, type MachineRecord } from '../../cloud/machine-record.ts';
import { recordFromTexts, recordTexts } from '../../cloud/record-texts.ts';
import { LABEL, labelKeyOf, labelValueOf, ownerLabelOf, type NameRule } from '../../cloud/resource-names.ts';

export type Tags = Readonly<Record<string, string>>;

/** Names of tags are the same in any case; these characters may be in none. */
const KEY: NameRule = { pattern: /^[a-z][^<>%&\\?/\sA-Z]*$/, maxLength: 128 };
const VALUE: NameRule = { pattern: /^[^\r\n]*$/, maxLength: 256 };

export const TAG = {
  /** Parts of a record, numbered. */
  record: 'ephemera-record-',
  /** Where the machine is reached: its addresses stay its own until it is deleted. */
  ip: 'ephemera-ip',
  /** When we asked for it, of what does not say that itself; ISO 8601. */
  made: 'ephemera-made',
  deprecated: 'ephemera-deprecated',
} as const;

/** Tags of our own that a machine may have at most. */
const OWN_TAGS = 26;
export const MOST_USER_LABELS = 50 - OWN_TAGS;

/** Of a machine and its parts, with those that its users gave it. */
export function machineTags(
  record: MachineRecord,
  userLabels: Readonly<Record<string, string>>,
): Record<string, string> {
  return { ...userTags(userLabels), ...labelTags(record.labels), ...recordTags(record) };
}

/** The same with another record; who it is for people follows it where there are labels of the new owner. */
export function withRecord(tags: Tags, record: MachineRecord, userLabels?: Readonly<Record<string, string>>): Tags {
  const kept = Object.entries(tags).filter(([key]) => {
    if (key.startsWith(TAG.record)) return false;
    return userLabels === undefined || key.startsWith('ephemera-');
  });
  return { ...(Object.fromEntries(kept) as Tags), ...machineTags(record, userLabels ?? {}) };
}

export function sameTags(one: Tags, other: Tags): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}

export function withWish(tags: Tags, wish: PowerWish | null): Tags {
  const others = Object.fromEntries(Object.entries(tags).filter(([key]) => key !== LABEL.power)) as Tags;
  return wish === null ? others : { ...others, [LABEL.power]: wish };
}

export function wishOf(tags: Tags): PowerWish | null {
  const wish = tags[LABEL.power];
  return wish === 'stopped' || wish === 'suspended' ? wish : null;
}

/** The machine that a resource is or belongs to; undefined where it is none of this deployment. */
export function recordOfTags(tags: Tags | undefined, deployment: string): MachineRecord | undefined {
  const text = recordFromTexts(recordTextsOf(tags));
  const record = text === undefined ? undefined : parseMachineRecord(text);
  return record?.labels.deployment === deployment ? record : undefined;
}

export function imageTags(record: ImageRecord, made: Date): Record<string, string> {
  return {
    [LABEL.deployment]: labelValueOf(record.deployment, VALUE),
    [LABEL.owner]: ownerLabelOf(record.owner, VALUE),
    ...(record.family === null ? {} : { 'ephemera-family': labelValueOf(record.family, VALUE) }),
    [TAG.made]: made.toISOString(),
    ...recordTags(record),
  };
}

export function imageRecordOfTags(tags: Tags | undefined, deployment: string): ImageRecord | undefined {
  const text = recordFromTexts(recordTextsOf(tags));
  const record = text === undefined ? undefined : parseImageRecord(text);
  return record?.deployment === deployment ? record : undefined;
}

/** Epoch ms of when we asked for it; 0 where it does not say. */
export function madeAt(tags: Tags | undefined): number {
  return Date.parse(tags?.[TAG.made] ?? '') || 0;
}

function userTags(labels: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(labels).map(([key, value]) => [labelKeyOf(key, KEY), labelValueOf(value, VALUE)]);
  return Object.fromEntries(own) as Record<string, string>;
}

function labelTags({ deployment, machineId, owner, uid }: MachineLabels): Record<string, string> {
  const { project, vm } = ownerNames(owner);
  return {
    [LABEL.deployment]: labelValueOf(deployment, VALUE),
    [LABEL.machine]: labelValueOf(machineId, VALUE),
    [LABEL.owner]: ownerLabelOf(owner, VALUE),
    ...(uid === undefined ? {} : { [LABEL.uid]: labelValueOf(uid, VALUE) }),
    [LABEL.project]: labelValueOf(project, VALUE),
    [LABEL.vm]: labelValueOf(vm, VALUE),
  };
}

function recordTags(record: MachineRecord | ImageRecord): Record<string, string> {
  const texts = recordTexts(record, VALUE.maxLength);
  return Object.fromEntries(texts.map((text, index) => [`${TAG.record}${index}`, text]));
}

function recordTextsOf(tags: Tags = {}): string[] {
  return Object.entries(tags)
    .filter(([key]) => key.startsWith(TAG.record))
    .map(([, value]) => value);
}
