/** A life on EC2 whose agent proves itself by what its cloud says of its instance, through `npm start`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ApiCalls } from '../../test-support/api/api-calls.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { agentGuests } from '../../test-support/clouds/agent-guests.ts';
import { vouchingCloud } from '../../test-support/clouds/identity-documents.ts';
import { usedMoto, useMoto } from '../../test-support/ec2-server/harness.ts';
import { startEc2Server, type Ec2Server } from '../../test-support/ec2-server/server.ts';
import { settingsOf } from '../../test-support/ec2-server/settings-of.ts';
import { FREE_PORTS, NpmRun, endEverythingOn } from '../../test-support/npm-start.ts';

const LONG = { timeout: 90_000, interval: 200 };
useMoto();

describe('npm start -- --provider ec2, with the certificates by which EC2 vouches for its servers', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-ec2-identity-'));
  const stateDir = join(directory, 'state');
  const cloud = vouchingCloud('ec2');
  let vouchesFor = (id: string): string => id;
  const sign: typeof cloud.sign = (server, nonce) => cloud.sign({ ...server, id: vouchesFor(server.id) }, nonce);
  const guests = agentGuests('ec2', { sign });
  let server: Ec2Server;
  let run: NpmRun;
  let calls: ApiCalls;

  beforeAll(async () => {
    server = await startEc2Server({ moto: usedMoto(), guests, stepMs: 100 });
    const args = ['--state-dir', stateDir, '--provider', 'ec2', ...FREE_PORTS];
    run = new NpmRun('start', args, {
      ...settingsOf(server),
      EPHEMERA_EC2_IDENTITY_CERTIFICATES: cloud.certificatesFile,
    });
    await run.prints('Ctrl-C stops it all');
    calls = await callsOf(stateDir);
  }, 300_000);

  afterAll(async () => {
    await run.kill();
    endEverythingOn(stateDir);
    guests.close();
    cloud.close();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('makes a VM that is ready without a secret in it, also after a stop', async () => {
    const { body: vm } = await calls.createVm(
      { template: 'chat', name: 'lobby' },
      { wait: 'ready', timeoutSeconds: 120 },
    );
    expect(vm, JSON.stringify(vm)).toMatchObject({ state: 'running', connections: 0 });
    const shown = server.ec2.alive.flatMap(({ parts }) => [...parts.tags.keys()]);
    expect(shown).toContain('ephemera-agent-binding');
    expect(shown).not.toContain('ephemera-agent-secret');
    await calls.stopVm('lobby');
    await vi.waitFor(async () => expect((await calls.getVm('lobby')).body).toMatchObject({ state: 'stopped' }), LONG);
    const { body: again } = await calls.startVm('lobby', { wait: 'ready', timeoutSeconds: 120 });
    expect(again, JSON.stringify(again)).toMatchObject({ state: 'running', machineId: vm.machineId });
    const { body: gone } = await calls.destroyVm('lobby', { wait: 'destroyed', timeoutSeconds: 90 });
    expect(gone).toMatchObject({ state: 'destroyed', reason: 'requested' });
  });

  it('believes no server that shows what its cloud says of another one', async () => {
    vouchesFor = (id) => id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const readiness = { kind: 'agent', timeoutSeconds: 8 } as const;
    const spec = { template: 'chat', name: 'impostor', readiness };
    const { status, body } = await calls.createVm(spec, { wait: 'ready', timeoutSeconds: 90 });
    expect([status, body.code], JSON.stringify(body)).toEqual([409, 'endedBeforeReady']);
    expect(JSON.stringify(body)).toContain('notReady');
  });
});
