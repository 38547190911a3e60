/**
 * What a droplet says of itself: DigitalOcean keeps nothing else beside it that can be changed and listed. Tags are letters, digits,
 * `:`, `-` and `_`, at most 255 of them, and two that differ in capitals alone are one. A tag belongs to the account and stays
 * when nothing carries it any more (tag-cleaning.ts).
 */
import { randomInt } from 'node:crypto';
import { z } from 'zod';
import { machineLabels } from '../../../domain/machine/owner.ts';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { opensEgress } from '../../../domain/network/egress.ts';
import type { PortSpec, VmSpec } from '../../../domain/vm/spec.ts';
import { recordOfRequest, type MachineRecord } from '../../cloud/machine-record.ts';
import { recordFromTexts, recordGenerationOf, recordTexts } from '../../cloud/record-texts.ts';
import { labelKeyOf, labelValueOf, type NameRule } from '../../cloud/resource-names.ts';
import type { PowerWish } from '../../cloud/cloud.ts';
import { firstProofTags } from '../agent-proof.ts';
import type { DigitalOceanRules } from '../rules.ts';

const MOST_CHARACTERS = 255;
/** Leaves room for the changes of a life. */
const MOST_FIRST_GENERATION = 900_000;
const RECORD = 'ephemera-record:';
const LABEL = 'ephemera-label:';
const WISH = 'ephemera-wish:';
/** The droplet's address on the internet is a reserved one. */
export const RESERVED_IP_TAG = 'ephemera-reserved-ip';

const KEY: NameRule = { pattern: /^[a-z0-9_-]+$/, maxLength: 63 };
const VALUE: NameRule = { pattern: /^[a-z0-9_:-]+$/, maxLength: 63 };

/** By which all droplets of a deployment are listed. */
export function deploymentTag(deployment: string): string {
  return `ephemera:${labelValueOf(deployment, VALUE)}`;
}

/** All tags of a new droplet. `nowMs` in epoch ms. */
export function tagsOfRequest(
  request: CreateMachineRequest,
  deployment: string,
  { externalIp }: DigitalOceanRules,
  nowMs: number,
): string[] {
  const { spec, machineId, agentBootstrap } = request;
  return [
    deploymentTag(deployment),
    // No other droplet's, not even of the same machine: where one goes its tags do, and another would lose its record.
    ...recordTags(recordOfRequest(request, deployment), randomInt(MOST_FIRST_GENERATION)),
    ...labelTags(spec),
    opensEgress(spec.egress) ? 'ephemera-egress' : 'ephemera-sealed',
    ...(spec.externalIp && externalIp === 'reserved' ? [RESERVED_IP_TAG] : []),
    ...(agentBootstrap === null ? [] : firstProofTags(machineId, agentBootstrap.secret, nowMs)),
  ];
}

/** Those that the users of a machine gave it. */
export function labelTags({ labels }: Pick<VmSpec, 'labels'>): string[] {
  const tags = Object.entries(labels).map(
    ([key, value]) => `${LABEL}${labelKeyOf(key, KEY)}${value === '' ? '' : `:${labelValueOf(value, VALUE)}`}`,
  );
  return [...new Set(tags)];
}

export function isLabelTag(tag: string): boolean {
  return tag.startsWith(LABEL);
}

export function wishTag(wish: PowerWish): string {
  return `${WISH}${wish}`;
}

export function wishOf(tags: readonly string[]): PowerWish | null {
  return tags.includes(wishTag('stopped')) ? 'stopped' : null;
}

/** A record that is whole counts, the one of the highest generation. */
export function recordTags(record: MachineRecord, generation: number): string[] {
  return recordTexts(packed(record), MOST_CHARACTERS - RECORD.length, generation).map((text) => `${RECORD}${text}`);
}

export function isRecordTag(tag: string): boolean {
  return tag.startsWith(RECORD);
}

export function generationOf(tags: readonly string[]): number {
  return recordGenerationOf(textsOf(tags));
}

/** Undefined where the tags say nothing that is whole, or nothing of ours. Whoever has a token of the account writes tags. */
export function recordOf(tags: readonly string[]): MachineRecord | undefined {
  const json = recordFromTexts(textsOf(tags));
  if (json === undefined) return undefined;
  try {
    return unpacked(packedSchema.parse(JSON.parse(json)));
  } catch {
    return undefined;
  }
}

function textsOf(tags: readonly string[]): string[] {
  return tags.filter(isRecordTag).map((tag) => tag.slice(RECORD.length));
}

/** Without names of fields, and what follows from the rest, most records take one tag; each is two calls to make and one to clear. */
const packedSchema = z
  .tuple([
    z.literal(1).describe('version'),
    z.string().describe('deployment'),
    z.string().describe('machineId'),
    z.string().describe('owner'),
    z.string().nullable().describe('uid'),
    z
      .tuple([z.string(), z.number(), z.literal('udp').optional()])
      .array()
      .describe('ports: name, number, protocol'),
    z.int().describe('flags'),
    z.string().nullish().describe('startSignature'),
    z.string().optional().describe('madeFor'),
  ])
  .readonly();

type Packed = z.output<typeof packedSchema>;

const EXTERNAL_IP = 1;
const AWAITS_ASSIGNMENT = 2;

function packed({ labels, ports, externalIp, awaitsAssignment, startSignature, madeFor }: MachineRecord): Packed {
  const { deployment, machineId, owner, uid } = labels;
  const written = ports.map(({ name, port, protocol }): Packed[5][number] =>
    protocol === 'udp' ? [name, port, protocol] : [name, port],
  );
  const flags = (externalIp ? EXTERNAL_IP : 0) | (awaitsAssignment === true ? AWAITS_ASSIGNMENT : 0);
  const always = [1, deployment, machineId, owner, uid ?? null, written, flags] as const;
  if (madeFor !== undefined) return [...always, startSignature ?? null, madeFor];
  return startSignature === undefined ? always : [...always, startSignature];
}

function unpacked([, deployment, machineId, owner, uid, ports, flags, startSignature, madeFor]: Packed): MachineRecord {
  return {
    labels: machineLabels({ deployment, machineId, owner, uid: uid ?? undefined }),
    ports: ports.map(([name, port, protocol]): PortSpec => ({ name, port, protocol: protocol ?? 'tcp' })),
    externalIp: (flags & EXTERNAL_IP) !== 0,
    ...((flags & AWAITS_ASSIGNMENT) === 0 ? {} : { awaitsAssignment: true }),
    ...(startSignature === undefined || startSignature === null ? {} : { startSignature }),
    ...(madeFor === undefined ? {} : { madeFor }),
  };
}
