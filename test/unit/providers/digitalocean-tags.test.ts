import { describe, expect, it } from 'vitest';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { recordOfRequest, type MachineRecord } from '../../../providers/cloud/machine-record.ts';
import { recordTexts } from '../../../providers/cloud/record-texts.ts';
import {
  generationOf,
  isRecordTag,
  labelTags,
  recordOf,
  recordTags,
  tagsOfRequest,
} from '../../../providers/digitalocean/droplet/droplet-tags.ts';
import { isForgotten } from '../../../providers/digitalocean/droplet/ended-ids.ts';
import { isCleared, isOfOneMachine } from '../../../providers/digitalocean/droplet/tag-cleaning.ts';
import { DIGITALOCEAN_RULES } from '../../../providers/digitalocean/rules.ts';
import { sizeOf } from '../../../providers/digitalocean/sizes.ts';
import { chatTemplateSpec } from '../../../test-support/vm/chat-spec.ts';

const REQUEST: CreateMachineRequest = {
  machineId: 'm-0123456789abcdef0123',
  spec: { ...chatTemplateSpec('digitalocean'), labels: { Team: 'Blue', plain: '' } },
  owner: 'vm/default/lobby',
  uid: '6a9a1f7e-6b2c-4d5e-8f90-123456789abc',
  agentBootstrap: { apiUrl: 'https://api.example', secret: 'One-Time_Secret' },
};
const DAY_MS = 24 * 3600 * 1000;

const longest = (): MachineRecord => ({
  ...recordOfRequest(REQUEST, 'd'.repeat(40)),
  ports: Array.from({ length: 8 }, (_, port) => ({ name: `port-${port}`, port: 8000 + port, protocol: 'udp' })),
  awaitsAssignment: true,
  startSignature: 'S'.repeat(200),
  madeFor: 'f'.repeat(100),
});

describe('the tags of a droplet', () => {
  it('are names that DigitalOcean takes', () => {
    const tags = [...tagsOfRequest(REQUEST, 'test', DIGITALOCEAN_RULES, Date.now()), ...recordTags(longest(), 7)];
    for (const tag of tags) expect(tag).toMatch(/^[A-Za-z0-9:_-]{1,255}$/);
    expect(new Set(tags.map((tag) => tag.toLowerCase())).size, 'capitals do not count').toBe(tags.length);
  });

  it('give the record back that they were made of, in any order, or nothing', () => {
    for (const record of [recordOfRequest(REQUEST, 'test'), longest()]) {
      const tags = recordTags(record, 0);
      expect(recordOf([...tags].reverse())).toEqual(record);
      expect(recordOf(tags.slice(1))).toBeUndefined();
    }
    expect(recordOf(['ephemera-record:nonsense', 'web'])).toBeUndefined();
  });

  it.each([
    ['an object', {}],
    ['nothing', []],
    ['a record that is cut off', [1, 'test', 'm-1']],
    ['a record with other ports', [1, 'test', 'm-1', 'vm/default/lobby', null, 'all', 0]],
    ['a record of no machine', [1, 'test', { id: 'm-1' }, 'vm/default/lobby', null, [], 0]],
    ['a record of a later version', [2, 'test', 'm-1', 'vm/default/lobby', null, [], 0]],
  ])('are nobody of ours where somebody with the same account wrote %s into them', (_, written) => {
    expect(recordOf(recordTexts(written, 200).map((text) => `ephemera-record:${text}`))).toBeUndefined();
  });

  it('hold most records in one, for each is calls', () => {
    expect(recordTags(recordOfRequest(REQUEST, 'production'), 0)).toHaveLength(1);
  });

  it('say what counts where an older record is still there, or half of a newer one', () => {
    const old = recordTags(recordOfRequest(REQUEST, 'test'), 0);
    const next = { ...longest(), madeFor: 'other' };
    const newer = recordTags(next, 1);
    expect(recordOf([...old, ...newer])).toEqual(next);
    expect(generationOf([...old, ...newer])).toBe(1);
    expect(newer.length).toBeGreaterThan(1);
    expect(recordOf([...old, ...newer.slice(1)])).toEqual(recordOfRequest(REQUEST, 'test'));
  });

  it('have the labels of a spec, and no two that are the same', () => {
    expect(labelTags({ labels: { team: 'blue', plain: '' } })).toEqual([
      'ephemera-label:team:blue',
      'ephemera-label:plain',
    ]);
    const hashed = labelTags({ labels: { Team: 'Blue', team: 'blue' } });
    expect(new Set(hashed.map((tag) => tag.toLowerCase())).size).toBe(2);
  });

  it('are cleared where they are of one machine, or of a label, and no other', () => {
    const tags = tagsOfRequest(REQUEST, 'test', DIGITALOCEAN_RULES, 1);
    const kinds = (wanted: readonly string[]): string[] => [...new Set(wanted.map((tag) => tag.split(':')[0]!))].sort();
    expect(kinds(tags.filter(isOfOneMachine))).toEqual([
      'ephemera-agent-secret',
      'ephemera-machine-key',
      'ephemera-record',
    ]);
    expect(kinds(tags.filter(isCleared))).toContain('ephemera-label');
    expect(tags.filter(isRecordTag)).toHaveLength(1);
    for (const other of ['web', 'ephemera:test', 'ephemera-sealed', 'ephemera-wish:stopped', 'ephemera-family:web']) {
      expect(isCleared(other), other).toBe(false);
    }
  });
});

describe('a tag of an id that ended', () => {
  it('is kept for a day at least, and for eight at most', () => {
    const week = 2969;
    const tag = `ephemera-ended:${week}:eph-test-m-1`;
    const endOfWeek = (week + 1) * 7 * DAY_MS;
    expect(isForgotten(tag, endOfWeek - 1)).toBe(false);
    expect(isForgotten(tag, endOfWeek + DAY_MS)).toBe(false);
    expect(isForgotten(tag, endOfWeek + DAY_MS + 2 * 3600 * 1000)).toBe(true);
    for (const other of ['ephemera-ended:x:y', 'ephemera-record:1', 'web'])
      expect(isForgotten(other, Infinity)).toBe(false);
  });
});

describe('the size of a spec', () => {
  const size = (cpus: number, memoryMb: number, diskGb: number | null = null) =>
    sizeOf({ machineType: null, cpus, memoryMb, diskGb });

  it.each([
    [size(1, 512), 's-1vcpu-512mb-10gb'],
    [size(1, 513), 's-1vcpu-1gb'],
    [size(2, 1024), 's-2vcpu-2gb'],
    [size(1, 512, 60), 's-2vcpu-2gb'],
    [size(8, 16_384), 's-8vcpu-16gb'],
  ])('is %s', (found, wanted) => expect(found).toBe(wanted));

  it('is large enough for the image that it begins with', () => {
    expect(sizeOf({ machineType: null, cpus: 1, memoryMb: 512, diskGb: null }, 25)).toBe('s-1vcpu-1gb');
  });

  it('is refused where there is none, by the field that is too large', () => {
    expect(() => size(9, 512)).toThrow(/^field cpus/);
    expect(() => size(1, 20_000)).toThrow(/^field memoryMb/);
    expect(() => size(1, 512, 1000)).toThrow(/^field diskGb/);
  });
});
