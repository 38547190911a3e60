/**
 * The startup script of an instance, run by a real shell with curl and Node.js in a directory of its own, again and again: as
 * its machine stops and starts, and as another machine whose disk began as an image of it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { startupScript, type StartupScriptOptions } from '../../../providers/cloud/startup-script.ts';
import { freePort } from '../../../test-support/free-port.ts';
import { PlayedInstance, type PlayedReport } from '../../../test-support/gce-server/played-instance.ts';
import { filesWith } from '../../../test-support/secret-search.ts';

const WAIT = { timeout: 20_000, interval: 50 };

let directory: string;
let played: PlayedInstance;
let running: ChildProcess | undefined;

beforeAll(buildVmServer);

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'eph-start-'));
  played = await PlayedInstance.start();
});

afterEach(async () => {
  await powerOff();
  played.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Nothing is told before the power goes, and what was in memory is gone. */
async function powerOff(disk?: string): Promise<void> {
  if (running?.exitCode === null) {
    const ended = new Promise((resolve) => running?.once('exit', resolve));
    running.kill('SIGKILL');
    await ended;
  }
  running = undefined;
  if (disk !== undefined) rmSync(join(disk, 'run'), { recursive: true, force: true });
}

/** What a machine is told in its metadata. */
function becomes(machineId: string, secret: string): void {
  played.attributes = {
    'ephemera-api-url': played.url,
    'ephemera-machine': JSON.stringify({ ports: [], awaitsAssignment: true }),
    'ephemera-machine-key': `key of ${machineId}`,
    'ephemera-agent-secret': secret,
  };
  played.assignment = {
    ...{ machineId, name: 'lobby', project: 'default', env: {}, timeoutSeconds: 30 },
    secretEnv: { TOKEN: 'hunter2-of-the-app' },
    startupScript: `echo "${machineId} has $TOKEN" >> '${join(directory, 'ran')}'\n`,
  };
}

/** Boots the disk, and resolves with the first report that says that the assignment is done. */
async function boot(disk: string, script: Partial<StartupScriptOptions>): Promise<PlayedReport> {
  const seen = played.reports.length;
  const text = startupScript({
    ...{ vmServerUrl: `${played.url}/v1/agent/vm-server.cjs`, identity: 'secret', apiCa: 'none', app: { port: null } },
    ...{ cloud: await cloudOf(disk), root: disk },
    ...script,
  });
  // Local ports of agents are fixed on an instance, which is alone on its network.
  const alone = text.replace(/^exec node .* agent .*$/m, `$& --local-port ${await freePort()}`);
  expect(alone).not.toContain('hunter2');
  running = spawn('sh', ['-c', alone], { stdio: 'ignore' });
  return vi.waitFor(() => {
    const done = played.reports.slice(seen).find(({ assigned }) => assigned?.state === 'done');
    expect(done, JSON.stringify(played.reports.slice(seen))).toBeDefined();
    return done!;
  }, WAIT);
}

async function cloudOf(disk: string): Promise<StartupScriptOptions['cloud']> {
  const places = `--metadata-url ${played.url} --host 127.0.0.1 --local-port ${await freePort()}`;
  return {
    attributeFunction: `attribute() { curl -fsS -H 'Metadata-Flavor: Google' "${played.url}/$1"; }`,
    proofFlag: '--gce',
    containerHost: 'containerOptimized',
    program: `gce ${places} --state-dir ${join(disk, 'var/lib/ephemera')}`,
  };
}

const ran = (): string[] => readFileSync(join(directory, 'ran'), 'utf8').trim().split('\n');

describe.each([
  ['the agent of another app', { app: { port: null } }],
  ['the sample chat', { app: 'chat' }],
] as const)('the disk of a machine that runs %s', (_, script) => {
  it('brings it back as itself after a stop, and makes another machine that nobody takes for it', async () => {
    const disk = join(directory, 'disk');
    mkdirSync(disk);
    becomes('m-1', 'one-time-secret-1');
    played.tokens = ['report-token-1'];
    await boot(disk, script);
    expect(played.exchanged).toEqual(['one-time-secret-1']);
    expect(ran()).toEqual(['m-1 has hunter2-of-the-app']);

    await powerOff(disk);
    becomes('m-1', 'one-time-secret-2');
    const again = await boot(disk, script);
    expect(again.token, 'it goes on with what it kept').toBe('report-token-1');
    expect(played.exchanged).toHaveLength(1);
    expect(ran(), 'its script runs once in its life').toHaveLength(1);

    await powerOff(disk);
    writeFileSync(join(disk, 'kept by a user'), 'hello');
    for (const secret of [
      'one-time-secret-1',
      'one-time-secret-2',
      'report-token-1',
      'hunter2-of-the-app',
      'key of m-1',
    ]) {
      expect(await filesWith(disk, secret), secret).toEqual([]);
    }

    const image = join(directory, 'image');
    cpSync(disk, image, { recursive: true });
    becomes('m-2', 'one-time-secret-3');
    played.tokens = ['report-token-2'];
    const other = await boot(image, script);
    expect(other.token).toBe('report-token-2');
    expect(played.exchanged).toEqual(['one-time-secret-1', 'one-time-secret-3']);
    expect(ran()).toEqual(['m-1 has hunter2-of-the-app', 'm-2 has hunter2-of-the-app']);
    expect(readFileSync(join(image, 'kept by a user'), 'utf8')).toBe('hello');
  });
});

it('takes nothing from what machines of earlier versions left on their disks in plain text', async () => {
  const disk = join(directory, 'disk');
  const state = join(disk, 'var/lib/ephemera');
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, 'agent-token'), 'token-of-another');
  writeFileSync(join(state, 'agent-secret'), 'secret-of-another');
  writeFileSync(join(state, 'assignment.json'), '{"secretEnv": {"TOKEN": "of another"}}');
  becomes('m-2', 'one-time-secret-2');
  const { token } = await boot(disk, {});
  expect([token, played.exchanged]).toEqual(['report-token', ['one-time-secret-2']]);
  expect(existsSync(join(state, 'agent-secret'))).toBe(false);
  expect(await filesWith(state, 'another')).toEqual([]);
});
