/** Secrets put through every input of a whole Ephemera, and looked for in everything it keeps, says or shows. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it, onTestFailed, vi } from 'vitest';
import { AgentTokens } from '../../security/agents/agent-tokens.ts';
import { SECRET_KEY_FILE } from '../../security/sealing/deployment-secret.ts';
import { ApiCalls, type Caller } from '../../test-support/api/api-calls.ts';
import { plainRequest } from '../../test-support/api/plain-request.ts';
import { everythingTemporalTells, filesWith, holds, processes } from '../../test-support/secret-search.ts';
import { freePort } from '../../test-support/free-port.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from '../../test-support/npm-start.ts';

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

  const seen = async (answer: Response): Promise<void> => {
    answers.push(`${JSON.stringify([...answer.headers])} ${await answer.text()}`);
  };
  const caller = (key: string = secrets.apiKey): Caller => ({ url: readRunJson(stateDir).apiUrl, key, seen });
  const calls = (key?: string): ApiCalls => new ApiCalls(caller(key));

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
    const vm = await calls().createVm(spec, { wait: 'ready', timeoutSeconds: 120 });
    expect(vm.status, JSON.stringify(vm.body)).toBe(201);
    expect(vm.body.spec.sealed).toEqual({ secretEnvNames: ['CHAT_TITLE', 'TOKEN'], startupScript: true });
    await refusals(spec);
    const failed = await failingScript();
    const looks = [
      calls().getVm('vault'),
      calls().getTimeline('vault'),
      calls().getConsole('vault'),
      calls().listVms(),
    ];
    for (const { status } of await Promise.all(looks)) expect(status).toBe(200);

    const { machineId, address } = vm.body;
    expect(await (await fetch(`http://${address!.ip}:8080/`)).text()).toContain(secrets.title);
    const machine = JSON.parse(readFileSync(join(stateDir, 'machines', machineId, 'process.json'), 'utf8')) as {
      pid: number;
    };
    const { connection, client } = await temporal();
    const told = await everythingTemporalTells(client);
    await connection.close();
    const running = processes();
    const { pids } = readRunJson(stateDir);
    const inside = running.filter(({ environment }) => holds(environment, secrets.value));

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
        running.filter(({ commandLine }) => holds(commandLine, secret)),
        `${which} on a command line`,
      ).toEqual([]);
    }
    const needless = running.filter(
      ({ pid, group }) => [pids['worker'], pids['temporal']].includes(pid) || group === machine.pid,
    );
    expect(needless.length).toBeGreaterThan(2);
    for (const { environment } of needless) expect(holds(environment, secrets.apiKey)).toBe(false);

    await calls().destroyVm('vault', { wait: 'destroyed', timeoutSeconds: 60 });
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
      const answer = await plainRequest(caller(), 'POST', '/v1/vms', { body });
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    }
    expect((await calls().createVm(spec)).status).toBe(200);
    expect((await calls(secrets.wrongKey).listVms()).status).toBe(401);
    const exchange = { secret, nonce: 'a-nonce-of-mine' };
    const exchanged = await plainRequest(caller(), 'POST', '/v1/agent/exchange', { body: exchange });
    expect(exchanged.body.code).toBe('tokenRefused');
    const reported = await plainRequest(caller(secret), 'POST', '/v1/agent/report', { body: {} });
    expect(reported.body.code).toBe('tokenRefused');
  }

  /** A script that prints a secret and fails: the VM says how it failed, its console alone what it printed. */
  async function failingScript(): Promise<string> {
    const spec = {
      name: 'failing',
      template: 'chat',
      secretEnv: { TOKEN: secrets.printed },
      startupScript: 'set -x; echo "$TOKEN" >&2; exit 3',
    };
    const failed = await calls().createVm(spec, { wait: 'ready', timeoutSeconds: 120 });
    expect([failed.status, failed.body.code]).toEqual([409, 'endedBeforeReady']);
    await calls().destroyVm('failing', { wait: 'destroyed', timeoutSeconds: 60 });
    const { body } = await calls().getVm('failing');
    expect(body).toMatchObject({ state: 'failed', reason: 'notReady' });
    expect(body.detail).toContain('exit code 3');
    return body.machineId;
  }

  async function temporal(): Promise<{ connection: Connection; client: Client }> {
    const connection = await Connection.connect({ address: readRunJson(stateDir).temporalAddress });
    return { connection, client: new Client({ connection, namespace: 'ephemera' }) };
  }
});
