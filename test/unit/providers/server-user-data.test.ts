/** What servers of clouds are made with: its forms, and what is too long for a cloud. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { proofNames, proofOfNames, proofOfValues, proofValues } from '../../../domain/machine/agent-proof.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { EC2_SCRIPTS } from '../../../providers/ec2/start-scripts.ts';
import { serverUserData } from '../../../providers/cloud/server-user-data.ts';
import { partsOfUserData } from '../../../test-support/clouds/user-data.ts';
import { chatTemplateSpec } from '../../../test-support/vm/chat-spec.ts';

const USER_DATA = '#cloud-config\nruncmd: ["echo grüß dich = 100 %"]\n';

function userDataOf(
  spec: Partial<VmSpec>,
  {
    agentBootstrap = BOOTSTRAP,
    ...options
  }: Partial<Parameters<typeof serverUserData>[2]> & { agentBootstrap?: typeof BOOTSTRAP | null } = {},
): string {
  const request = {
    machineId: 'm-1',
    owner: 'vm/default/lobby',
    spec: { ...chatTemplateSpec('gcp'), ...spec },
    agentBootstrap,
  };
  const usual = {
    cloud: EC2_SCRIPTS,
    identity: 'secret' as const,
    vmServerUrl: 'https://api.test/v1/agent/vm-server.cjs',
  };
  return serverUserData(request, 'test', { ...usual, maxBytes: 16_384, ...options });
}

const BOOTSTRAP = { apiUrl: 'https://api.test', secret: 'hunter2' };

describe('the user data of a server', () => {
  it('is empty where there is nothing to say, and the own of a user where there is no more', () => {
    expect(userDataOf({}, { agentBootstrap: null })).toBe('');
    expect(userDataOf({ userData: USER_DATA }, { agentBootstrap: null })).toBe(USER_DATA);
  });

  it('is what the machine is told and what its user wants, whatever letters are in it, and nothing secret', () => {
    const text = userDataOf({ userData: USER_DATA, env: { MOTD: 'grüß\ndich' } });
    const [hook = '', own] = partsOfUserData(text);
    expect(own).toBe(USER_DATA);
    expect(hook).toMatch(/^#cloud-boothook\n#!\/bin\/sh\n/);
    const environment = hook.split('\n').find((line) => line.includes('MOTD'));
    expect(JSON.parse(environment ?? '')).toEqual({ MOTD: 'grüß\ndich' });
    expect(text).not.toContain(BOOTSTRAP.secret);
    expect(userDataOf({ userData: USER_DATA, env: { MOTD: 'grüß\ndich' } })).toBe(text);
  });

  it('is packed where it is too long as it is, and says the same', () => {
    const spec = { userData: `#cloud-config\n# ${'long '.repeat(2000)}\n`, env: { A: 'b'.repeat(3000) } };
    const [plain, packed] = [userDataOf(spec, { maxBytes: 65_536 }), userDataOf(spec)];
    expect(Buffer.byteLength(plain)).toBeGreaterThan(16_384);
    expect(Buffer.byteLength(packed)).toBeLessThanOrEqual(16_384);
    expect(partsOfUserData(packed)).toEqual(partsOfUserData(plain));
  });

  it('keeps letters beyond ASCII where it is packed', () => {
    const spec = { userData: USER_DATA, env: { MOTD: 'grüß', A: 'b'.repeat(20_000) } };
    const [hook = '', own] = partsOfUserData(userDataOf(spec));
    expect(hook).toContain('grüß');
    expect(own).toBe(USER_DATA);
    expect(userDataOf(spec)).toContain('application/gzip');
  });

  it.each([
    ['userData', { userData: `#!/bin/sh\n# ${randomBytes(20_000).toString('base64')}\n` }],
    ['env', { env: { SEED: randomBytes(20_000).toString('base64') } }],
  ])('names %s when nothing makes it short enough', (field, spec) => {
    expect(() => userDataOf(spec)).toThrow(new RegExp(`^field ${field}: .* its cloud takes 16384`));
  });

  it('names the variable of a container that is no text, and fails at nothing else', () => {
    const spec = { image: 'container:docker.io/library/redis:8', userData: USER_DATA };
    expect(() => userDataOf({ ...spec, env: { A: 'half of a pair: \ud83d' } })).toThrow(/^field env\.A: /);
    expect(userDataOf({ ...spec, env: { A: 'a pair: \ud83d\ude00' } })).toContain('=F0=9F=98=80');
    expect(userDataOf({ userData: USER_DATA, env: { A: '\ud83d' } })).toContain('ephemera-environment');
  });

  it('starts nothing where the image starts its agent itself, and installs Docker where a container is to run', () => {
    expect(userDataOf({}, { vmServerUrl: null })).not.toContain('systemd-run');
    const container = userDataOf({ image: 'container:docker.io/library/redis:8', env: { A: 'b' } });
    expect(container).toContain('add_packages docker.io');
    expect(container).toContain('docker run -d --name ephemera-app');
    expect(container).toContain('\nA=b\nEND\n');
    expect(container).not.toContain('iptables');
  });
});

describe('a proof in tags', () => {
  const long = `eyJ.${'aZ09_-'.repeat(120)}`;

  it('is what it was, in values of 256 letters and in names of 255 without capitals', async () => {
    const values = proofValues('ephemera-agent-secret', long);
    expect(Object.values(values).every((value) => value.length <= 256)).toBe(true);
    expect(await proofOfValues('ephemera-agent-secret', (key) => Promise.resolve(values[key]))).toBe(long);
    const names = proofNames('ephemera-agent-secret', long, 1_700_000_000_000);
    expect(names.every((name) => name.length <= 255 && /^[a-z0-9:_-]+$/.test(name))).toBe(true);
    expect(proofOfNames('ephemera-agent-secret', ['web', ...names.toReversed()])).toBe(long);
  });

  it('is not there while a part of it is not, and the newest whole one counts', async () => {
    const values = proofValues('ephemera-agent-secret', long);
    const torn = { ...values, 'ephemera-agent-secret-2': undefined };
    expect(
      await proofOfValues('ephemera-agent-secret', (key) =>
        Promise.resolve((torn as Record<string, string | undefined>)[key]),
      ),
    ).toBeUndefined();
    const older = proofNames('ephemera-agent-secret', 'older', 1);
    const newer = proofNames('ephemera-agent-secret', long, 2);
    expect(proofOfNames('ephemera-agent-secret', [...older, ...newer])).toBe(long);
    expect(proofOfNames('ephemera-agent-secret', [...older, ...newer.slice(1)])).toBe('older');
    expect(proofOfNames('ephemera-machine-key', [...older, ...newer])).toBeUndefined();
  });
});
