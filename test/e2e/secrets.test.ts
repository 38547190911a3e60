/** Secrets put through every input of a whole Ephemera, and looked for in everything it keeps, says or shows. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, vi } from 'vitest';
import { AgentTokens } from '../../config/agent-tokens.ts';
import { SECRET_KEY_FILE } from '../../config/deployment-secret.ts';
import type { VmView } from '../../domain/vm-view.ts';
import { everythingTemporalTells, filesWith, holds, processes } from '../secret-search.ts';
import { freePort } from '../free-port.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from './npm-start.ts';

const canary = (): string => `canary${randomBytes(16).toString('hex')}`;

/** A value that is no secret and goes the same ways, which shows that a search finds what is there. */
const plain = canary();
const secrets = {
  value: canary(),
  title: canary(),
  script: canary(),
  printed: canary(),
  refused: canary(),
  apiKey: canary(),
  wrongKey: canary(),
};
const deployment = `d-${randomUUID().slice(0, 8)}`;

describe('a secret', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-secrets-'));
  const stateDir = join(directory, 'state');
  const answers: string[] = [];
  let run: NpmRun;

  interface Answer {
    status: number;
    body: VmView & { code?: string };
  }
  async function call(method: string, path: string, body?: unknown, key: string = secrets.apiKey): Promise<Answer> {
    const response = await fetch(`${readRunJson(stateDir).apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    answers.push(`${JSON.stringify([...response.headers])} ${text}`);
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, body: (isJson ? JSON.parse(text) : {}) as Answer['body'] };
  }

  beforeAll(async () => {
    run = new NpmRun('start', ['--state-dir', stateDir, ...FREE_PORTS.slice(2), '--api-port', `${await freePort()}`], {
      EPHEMERA_API_KEY: secrets.apiKey,
      EPHEMERA_DEPLOYMENT: deployment,
      EPHEMERA_LOCAL_AGENT_TRANSPORT: 'http',
      EPHEMERA_LOG_LEVEL: 'debug',
    });
    await run.prints('Ctrl-C stops it all');
  });
  afterAll(async () => {
    await run.kill();
    endEverythingOn(stateDir);
    rmSync(directory, { recursive: true, force: true });
  });

  it('is seen inside the machine and nowhere else', async () => {
    onTestFailed(() => console.log(run.output));
    const spec = {
      name: 'vault',
      template: 'chat',
      env: { PLAIN: plain },
      secretEnv: { TOKEN: secrets.value, CHAT_TITLE: secrets.title },
      // What is left in the background keeps the environment that the script was given.
      startupScript: `# ${secrets.script}\ntest -n "$TOKEN"\nsleep 1000 &\n`,
    };
    const vm = await call('POST', '/v1/vms?wait=ready&timeoutSeconds=120', spec);
    expect(vm.status, JSON.stringify(vm.body)).toBe(201);
    expect(vm.body.spec.sealed).toEqual({ secretEnvNames: ['CHAT_TITLE', 'TOKEN'], startupScript: true });
    await refusals(spec);
    const failed = await failingScript();
    for (const path of ['', '/timeline', '/console'])
      expect((await call('GET', `/v1/vms/vault${path}`)).status).toBe(200);
    await call('GET', '/v1/vms');

    const { machineId, address } = vm.body;
    expect(await (await fetch(`http://${address!.ip}:8080/`)).text()).toContain(secrets.title);
    const machine = JSON.parse(readFileSync(join(stateDir, 'machines', machineId, 'process.json'), 'utf8')) as {
      pid: number;
    };
    const { connection, client } = await temporal();
    const told = await everythingTemporalTells(client);
    await connection.close();
    const seen = processes();
    const { pids } = readRunJson(stateDir);
    const inside = seen.filter(({ environment }) => holds(environment, secrets.value));

    expect(inside.map(({ group }) => group)).toContain(machine.pid);
    expect(inside.filter(({ group }) => group !== machine.pid)).toEqual([]);
    expect(holds(told, plain)).toBe(true);
    const kept = await filesWith(stateDir, plain);
    expect(kept).toContain(`machines/${machineId}/machine.json`);
    expect(kept.filter((path) => path.includes('.db'))).not.toEqual([]);
    // What a script prints is on the console, which outlives its machine for an hour.
    const keptIn: Record<string, string[]> = { ...KEPT_IN, printed: [`machine-consoles/${failed}`] };
    for (const [which, secret] of Object.entries({ ...secrets, ...deploymentSecrets() })) {
      expect(holds(answers.join('\n'), secret), `${which} in an answer`).toBe(false);
      expect(holds(run.output, secret), `${which} in the output`).toBe(false);
      expect(holds(told, secret), `${which} in Temporal`).toBe(false);
      expect(await filesWith(stateDir, secret), `${which} in a file`).toEqual(keptIn[which] ?? []);
      expect(
        seen.filter(({ commandLine }) => holds(commandLine, secret)),
        `${which} on a command line`,
      ).toEqual([]);
    }
    const needless = seen.filter(
      ({ pid, group }) => [pids['worker'], pids['temporal']].includes(pid) || group === machine.pid,
    );
    expect(needless.length).toBeGreaterThan(2);
    for (const { environment } of needless) expect(holds(environment, secrets.apiKey)).toBe(false);

    await call('DELETE', '/v1/vms/vault?wait=destroyed&timeoutSeconds=60');
    await vi.waitFor(() =>
      expect(processes().filter(({ environment }) => holds(environment, secrets.value))).toEqual([]),
    );
  });

  /** Secrets that Ephemera makes itself: its own key, and every token and bootstrap secret, which all begin alike. */
  function deploymentSecrets(): Record<string, string> {
    const text = `{"deployment":"${deployment}","workflowId":"vm/`;
    const token = Buffer.from(text.slice(0, text.length - (text.length % 3))).toString('base64url');
    const secretKey = readFileSync(join(stateDir, SECRET_KEY_FILE), 'utf8').trim();
    const subject = { workflowId: 'vm/default/vault', machineId: 'm-1' };
    const tokens = new AgentTokens(Buffer.from(secretKey, 'hex'), deployment);
    for (const kind of ['bootstrap', 'report'] as const) expect(tokens.issue(kind, subject, 0)).toContain(token);
    return { token, secretKey };
  }
  const KEPT_IN: Record<string, string[]> = { apiKey: ['api-key'], secretKey: [SECRET_KEY_FILE] };

  /** Each is refused with what was secret in it, and none of the texts says it again. */
  async function refusals(spec: { name: string; secretEnv: Record<string, string> }): Promise<void> {
    const secret = secrets.refused;
    const bad: [unknown, number, string][] = [
      [{ ...spec, secretEnv: { ...spec.secretEnv, TOKEN: secret } }, 409, 'specConflict'],
      [{ ...spec, startupScript: secret }, 409, 'specConflict'],
      [{ ...spec, env: { TOKEN: 'x' }, secretEnv: { TOKEN: secret } }, 400, 'invalidRequest'],
      [{ ...spec, secretEnv: { TOKEN: secret.repeat(60) } }, 400, 'invalidRequest'],
      [{ ...spec, secretEnv: secret }, 400, 'invalidRequest'],
      [{ ...spec, startupScript: [secret] }, 400, 'invalidRequest'],
      [{ ...spec, startupScript: secret.repeat(2000) }, 400, 'invalidRequest'],
      [`{"secretEnv": {"TOKEN": "${secret}"`, 400, 'malformedBody'],
      [{ ...spec, startupScript: secret.repeat(8000) }, 413, 'bodyTooLarge'],
    ];
    for (const [body, status, code] of bad) {
      const answer = await call('POST', '/v1/vms', body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    }
    expect((await call('POST', '/v1/vms', spec)).status).toBe(200);
    expect((await call('GET', '/v1/vms', undefined, secrets.wrongKey)).status).toBe(401);
    const exchange = { secret, nonce: 'a-nonce-of-mine' };
    expect((await call('POST', '/v1/agent/exchange', exchange)).body.code).toBe('tokenRefused');
    expect((await call('POST', '/v1/agent/report', {}, secret)).body.code).toBe('tokenRefused');
  }

  /** A script that prints a secret and fails: the VM says how it failed, its console alone what it printed. */
  async function failingScript(): Promise<string> {
    const spec = {
      name: 'failing',
      template: 'chat',
      secretEnv: { TOKEN: secrets.printed },
      startupScript: 'set -x; echo "$TOKEN" >&2; exit 3',
    };
    const failed = await call('POST', '/v1/vms?wait=ready&timeoutSeconds=120', spec);
    expect([failed.status, failed.body.code]).toEqual([409, 'endedBeforeReady']);
    await call('DELETE', '/v1/vms/failing?wait=destroyed&timeoutSeconds=60');
    const { body } = await call('GET', '/v1/vms/failing');
    expect(body).toMatchObject({ state: 'failed', reason: 'notReady' });
    expect(body.detail).toContain('exit code 3');
    return body.machineId;
  }

  async function temporal(): Promise<{ connection: Connection; client: Client }> {
    const connection = await Connection.connect({ address: readRunJson(stateDir).temporalAddress });
    return { connection, client: new Client({ connection, namespace: 'ephemera' }) };
  }
});
