/**
 * The Terraform of the word count: the real Terraform makes, upgrades and destroys its VM through a real API, on a strict
 * Compute Engine server. The part that needs Google's own provider is read by HashiCorp's parser.
 */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse } from '@cdktf/hcl2json';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiCalls } from '../../test-support/api/api-calls.ts';
import { callsOf } from '../../test-support/api/npm-start-calls.ts';
import { agentGuests } from '../../test-support/gce-server/agent-guests.ts';
import { startGceServer, type GceServer } from '../../test-support/gce-server/server.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from '../../test-support/npm-start.ts';

const DIRECTORY = resolve(import.meta.dirname, '../../examples/word-count/terraform');
const NO_TERRAFORM = spawnSync('terraform', ['version']).status !== 0 ? ' (needs terraform)' : '';

interface Parsed {
  module?: { vm?: [{ spec: Record<string, unknown> }] };
  resource?: { google_compute_firewall?: Record<string, [Record<string, unknown>]> };
  output?: Record<string, [{ value: string; description: string }]>;
  variable?: Record<string, [{ description?: string }]>;
}

const read = async (file: string): Promise<Parsed> =>
  (await parse(file, readFileSync(join(DIRECTORY, file), 'utf8'))) as Parsed;

/** What the module gives its VM, with the variables filled in as Terraform does. */
async function specOf(variables: Record<string, string>): Promise<Record<string, unknown>> {
  const { module } = await read('main.tf');
  const text = JSON.stringify(module?.vm?.[0].spec).replaceAll(/\$\{var\.(\w+)\}/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) throw new Error(`var.${name} has no value here`);
    return value;
  });
  return JSON.parse(text) as Record<string, unknown>;
}

describe('the Terraform of the word count', () => {
  it('lets browsers in on the port of the service, and puts out its public address', async () => {
    const { resource, module } = await read('main.tf');
    const [firewall] = resource?.google_compute_firewall?.['browsers'] ?? [];
    expect(firewall).toMatchObject({ direction: 'INGRESS', source_ranges: '${var.browsers}' });
    // Machines with egress have this tag (docs/google-cloud.md).
    expect(firewall!['target_tags']).toEqual(['ephemera-egress']);
    expect(module?.vm?.[0].spec).toMatchObject({ externalIp: true, egress: true, maxLifetimeSeconds: null });
    expect(JSON.stringify(firewall!['allow'])).toContain('local.port');
    expect(JSON.stringify(module)).toContain('"port":8080');
    const { output } = await read('outputs.tf');
    expect(output?.['public_ip']?.[0].value).toBe('${data.external.vm.result.ip}');
  });

  it('declares and describes every variable that it uses', async () => {
    for (const folder of ['.', 'vm']) {
      const files = readdirSync(join(DIRECTORY, folder)).filter((name) => name.endsWith('.tf'));
      const text = files.map((name) => readFileSync(join(DIRECTORY, folder, name), 'utf8')).join('\n');
      const { variable = {} } = await read(join(folder, 'variables.tf'));
      const used = new Set([...text.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
      expect([...used].sort()).toEqual(Object.keys(variable).sort());
      for (const [name, [{ description }]] of Object.entries(variable)) expect(description, name).toBeTypeOf('string');
    }
  });

  it.skipIf(NO_TERRAFORM)(`is formatted as terraform fmt would${NO_TERRAFORM}`, () => {
    const { status, stdout } = spawnSync('terraform', ['fmt', '-check', '-recursive', DIRECTORY], { encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, '']);
  });
});

describe.skipIf(NO_TERRAFORM)(`terraform apply of the word count${NO_TERRAFORM}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-terraform-'));
  const stateDir = join(directory, 'state');
  const moduleDir = join(directory, 'vm');
  const guests = agentGuests();
  let server: GceServer;
  let run: NpmRun;
  let calls: ApiCalls;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    server = await startGceServer({ guests, project: 'ephemera', stepMs: 100 });
    run = new NpmRun('start', ['--state-dir', stateDir, '--provider', 'gcp', ...FREE_PORTS], {
      EPHEMERA_GCP_ENDPOINT: server.endpoint,
      EPHEMERA_GCP_EXTERNAL_IP: 'allowed',
    });
    mkdirSync(directory, { recursive: true });
    cpSync(join(DIRECTORY, 'vm'), moduleDir, { recursive: true });
    await run.prints('Ctrl-C stops it all');
    calls = await callsOf(stateDir);
    const { PATH, HOME } = process.env;
    const { apiUrl, keyFile } = readRunJson(stateDir);
    env = { PATH, HOME, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1', API_URL: apiUrl, API_KEY_FILE: keyFile };
    await terraform('init', '-input=false');
  });

  afterAll(async () => {
    await run.kill();
    endEverythingOn(stateDir);
    guests.close();
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  function terraform(...args: string[]): Promise<string> {
    return program('terraform', [`-chdir=${moduleDir}`, ...args]);
  }

  function program(command: string, args: string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(command, args, { env: { ...env, ...more }, timeout: 120_000 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${command} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`));
      });
    });
  }

  async function apply(tag: string): Promise<string> {
    const spec = await specOf({ image: 'docker.io/team/word-count', tag });
    const { apiUrl, keyFile } = readRunJson(stateDir);
    const variables = { api_url: apiUrl, api_key_file: keyFile, name: 'word-count', spec, ready_seconds: 60 };
    writeFileSync(join(moduleDir, 'terraform.tfvars.json'), JSON.stringify(variables));
    await terraform('apply', '-input=false', '-auto-approve', '-no-color');
    return (await terraform('output', '-raw', 'name')).trim();
  }

  const living = async (): Promise<string[]> =>
    (await calls.listVms({})).body.vms.filter(({ state }) => state === 'running').map(({ name }) => name);

  it('makes the VM, does nothing for the same tag, replaces it for another, and destroys it', async () => {
    const first = await apply('1.0.0');
    expect(await living()).toEqual([first]);
    const { body: vm } = await calls.getVm(first);
    expect(vm).toMatchObject({
      stays: true,
      provider: 'gcp',
      spec: { image: 'container:docker.io/team/word-count:1.0.0' },
    });
    const address = await program('sh', [join(moduleDir, 'vm.sh'), 'address'], { VM_NAME: first });
    expect(JSON.parse(address)).toEqual({ ip: vm.address!.ip });
    const before = server.calls.length;
    expect(await apply('1.0.0')).toBe(first);
    expect(server.calls.slice(before).filter(({ method }) => method !== 'GET')).toEqual([]);

    const second = await apply('1.1.0');
    expect(second).not.toBe(first);
    expect(await living()).toEqual([second]);
    expect((await calls.getVm(second)).body.spec.image).toBe('container:docker.io/team/word-count:1.1.0');
    const [made, gone] = [(await calls.getVm(second)).body, (await calls.getVm(first)).body];
    expect(gone).toMatchObject({ state: 'destroyed', reason: 'requested' });
    // The service is there all the time: the old VM goes once the new one is ready.
    expect(Date.parse(made.readyAt!)).toBeLessThan(Date.parse(gone.updatedAt));
    const state = readFileSync(join(moduleDir, 'terraform.tfstate'), 'utf8');
    expect(state).not.toContain(readFileSync(env['API_KEY_FILE'] ?? '', 'utf8').trim());

    await terraform('destroy', '-input=false', '-auto-approve', '-no-color');
    expect(await living()).toEqual([]);
    expect(server.model.instances.size).toBe(0);
  });

  it('fails with what the API says, and goes on where it stopped', async () => {
    const { apiUrl, keyFile } = readRunJson(stateDir);
    const variables = { api_url: apiUrl, api_key_file: keyFile, name: 'word-count', spec: { template: 'nowhere' } };
    writeFileSync(join(moduleDir, 'terraform.tfvars.json'), JSON.stringify(variables));
    await expect(terraform('apply', '-input=false', '-auto-approve', '-no-color')).rejects.toThrow('unknownTemplate');
    const name = await apply('2.0.0');
    expect(await living()).toEqual([name]);
    await terraform('destroy', '-input=false', '-auto-approve', '-no-color');
  });
});
