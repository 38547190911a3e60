/** deploy/gcp as far as it can be checked without Google: HashiCorp's own parser, and what must agree with the code. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from '@cdktf/hcl2json';
import { beforeAll, describe, expect, it } from 'vitest';
import { SETTINGS } from '../../../config/settings.ts';
import { serverNameOf, serverNamePrefix } from '../../../providers/cloud/resource-names.ts';
import {
  EXTERNAL_IP_PERMISSIONS,
  MACHINE_PERMISSIONS,
  NETWORK_PERMISSIONS,
  PROJECT_PERMISSIONS,
} from '../../../providers/gcp/permissions.ts';

const DIRECTORY = resolve(import.meta.dirname, '../../../deploy/gcp');
const FILES = readdirSync(DIRECTORY).filter((name) => name.endsWith('.tf'));

type Block = Record<string, unknown>;
interface Parsed {
  resource?: Record<string, Record<string, Block[]>>;
  data?: Record<string, Record<string, Block[]>>;
  locals?: Block[];
  variable?: Record<string, Block[]>;
}

const parsed = new Map<string, Parsed>();
let text = '';

beforeAll(async () => {
  for (const name of FILES) {
    const source = readFileSync(join(DIRECTORY, name), 'utf8');
    text += source;
    parsed.set(name, (await parse(name, source)) as Parsed);
  }
});

function resources(): Map<string, Block> {
  const found = new Map<string, Block>();
  for (const { resource = {} } of parsed.values()) {
    for (const [type, named] of Object.entries(resource)) {
      for (const [name, [block]] of Object.entries(named)) found.set(`${type}.${name}`, block!);
    }
  }
  return found;
}

const namesOf = (expression: string): string[] =>
  [...expression.matchAll(/"(compute\.[\w.]+)"/g)].map(([, name]) => name!);

describe('the Terraform of deploy/gcp', () => {
  it('parses, and declares every variable and resource that it refers to', () => {
    const variables = [...parsed.values()].flatMap(({ variable = {} }) => Object.keys(variable));
    for (const [, name] of text.matchAll(/\bvar\.(\w+)/g)) expect(variables, `var.${name}`).toContain(name);
    for (const name of variables) expect(text, `var.${name} is used`).toMatch(new RegExp(`var\\.${name}\\b`));
    const known = [...resources().keys()];
    for (const { data = {} } of parsed.values()) {
      for (const [type, named] of Object.entries(data))
        known.push(...Object.keys(named).map((name) => `${type}.${name}`));
    }
    const references = text.replaceAll(/^\s+from = .*$/gm, '').matchAll(/(?<![\w"])(google_\w+)\.(\w+)/g);
    for (const [reference] of references) expect(known).toContain(reference);
  });

  it('describes every variable', () => {
    for (const { variable = {} } of parsed.values()) {
      for (const [name, [block]] of Object.entries(variable)) expect(block!['description'], name).toBeTypeOf('string');
    }
  });

  it('grants exactly the permissions that the provider uses, each group in a role of its own', () => {
    const permissionsOf = (role: string) => resources().get(`google_project_iam_custom_role.${role}`)!['permissions'];
    expect(permissionsOf('machines')).toEqual([...MACHINE_PERMISSIONS]);
    expect(permissionsOf('project')).toEqual([...PROJECT_PERMISSIONS]);
    const network = String(permissionsOf('network'));
    expect(namesOf(network)).toEqual([...NETWORK_PERMISSIONS, ...EXTERNAL_IP_PERMISSIONS]);
    expect(network).toMatch(/var\.external_ips == "allowed" \? \["compute\.subnetworks\.useExternalIp"\] : \[\]/);
  });

  it('lets the worker touch only instances and disks whose names are those of this deployment', () => {
    const [condition] = resources().get('google_project_iam_member.worker_machines')!['condition'] as Block[];
    const expression = String(condition!['expression']).replaceAll(/\s+/g, ' ').trim();
    const prefix = '${local.instance_prefix}';
    expect(expression).toBe(
      '(resource.type == "compute.googleapis.com/Instance" && ' +
        `resource.name.extract("/instances/{name}").startsWith("${prefix}")) || ` +
        '(resource.type == "compute.googleapis.com/Disk" && ' +
        `resource.name.extract("/disks/{name}").startsWith("${prefix}"))`,
    );
    const [locals] = parsed.get('iam.tf')?.locals ?? [];
    expect(locals!['instance_prefix']).toBe(serverNamePrefix('${var.deployment}'));
    for (const deployment of ['a', 'x'.repeat(40)]) {
      for (const machineId of ['m-1a2b', 'm-A_b', `m-${'c'.repeat(80)}`]) {
        expect(serverNameOf(deployment, machineId).startsWith(serverNamePrefix(deployment))).toBe(true);
      }
    }
  });

  it('lets the worker put machines into its own subnetwork alone', () => {
    const bindings = [...resources()].filter(([, { role }]) => String(role).includes('_custom_role.network'));
    expect(bindings.map(([name]) => name)).toEqual(['google_compute_subnetwork_iam_member.worker_network']);
    expect(bindings[0]![1]['subnetwork']).toBe('${google_compute_subnetwork.ephemera.name}');
    expect(text).not.toMatch(/roles\/compute\./);
    expect(text).toMatch(/networks\s+= google_compute_subnetwork\.ephemera\.id/);
    expect(text).toMatch(/EPHEMERA_GCP_NETWORKS\s+= google_compute_subnetwork\.ephemera\.id/);
  });

  it('gives API and worker on Cloud Run an account each, with what it needs and no more', () => {
    const accountOf = (name: string) =>
      ((resources().get(name)!['template'] as Block[])[0]!['service_account'] as string).replaceAll(/[${}]/g, '');
    const api = 'google_service_account.api[0].email';
    const worker = 'google_service_account.worker.email';
    expect(accountOf('google_cloud_run_v2_service.api')).toBe(api);
    expect(accountOf('google_cloud_run_v2_worker_pool.worker')).toBe(worker);
    for (const [name, block] of resources()) {
      if (/^google_(project|compute|service_account).*_iam_member\./.test(name)) {
        expect(block['member'], name).toBe('${local.worker}');
      }
    }
    expect(resources().get('google_secret_manager_secret_iam_member.api_key')!['member']).toBe('${local.api}');
    const [locals] = parsed.get('cloud-run.tf')?.locals ?? [];
    expect(JSON.stringify(locals!['secret_environment'])).not.toContain('EPHEMERA_API_KEY');
  });

  it('keeps the audit log of Cloud Run, whose replicas have no disk that stays', () => {
    const [locals] = parsed.get('cloud-run.tf')?.locals ?? [];
    expect(String(locals!['api_environment'])).toMatch(/EPHEMERA_AUDIT_LOG\s+= "-"/);
  });

  it("believes what Google's front end says of a caller on Cloud Run, which comes from a link-local address", () => {
    const [locals] = parsed.get('cloud-run.tf')?.locals ?? [];
    expect(String(locals!['api_environment'])).toMatch(/EPHEMERA_API_TRUSTED_PROXIES\s+= "169\.254\.0\.0\/16"/);
  });

  it('speaks TLS wherever keys and secrets go, and plain HTTP to the metadata server alone', () => {
    const template = readFileSync(join(DIRECTORY, 'control-startup.sh.tftpl'), 'utf8');
    const plain = [...(text + template).matchAll(/http:\/\/[^\s"'/]+/g)].map(([url]) => url);
    expect(new Set(plain)).toEqual(new Set(['http://metadata.google.internal']));
    for (const setting of ['API_URL=https://', 'API_TLS_CERT=/', 'API_TLS_KEY=/', 'API_CA_CERT=/']) {
      expect(template).toContain(`echo "EPHEMERA_${setting}`);
    }
  });

  it('takes no release whose hash it was not told', () => {
    const [lifecycle] = resources().get('google_compute_instance.control')!['lifecycle'] as Block[];
    const [precondition] = lifecycle!['precondition'] as Block[];
    expect(precondition!['condition']).toContain('var.release_sha256 != ""');
    expect(precondition!['condition']).toContain('startswith(var.release_url, "https://")');
  });

  it('gives the account of machines no role', () => {
    const machine = 'google_service_account.machine.email';
    for (const [name, block] of resources()) {
      if (name.includes('_iam_member.')) expect(String(block['member']), name).not.toContain(machine);
    }
  });

  it('opens nothing to the whole internet', () => {
    for (const [name, block] of resources()) {
      if (!name.startsWith('google_compute_firewall.') || block['direction'] !== 'INGRESS') continue;
      expect(JSON.stringify(block['source_ranges'] ?? []), name).not.toContain('0.0.0.0/0');
    }
  });

  it('sets only settings that there are, and hands the template what it asks for', () => {
    const template = readFileSync(join(DIRECTORY, 'control-startup.sh.tftpl'), 'utf8');
    const known: string[] = SETTINGS.map(({ env }) => env);
    for (const [, name] of template.matchAll(/echo "(EPHEMERA_\w+)=/g)) expect(known).toContain(name);
    for (const [, name] of template.matchAll(/[$%]\{ ?(?:if )?([a-z_0-9]+)/g)) {
      if (name !== 'endif') expect(text, name).toMatch(new RegExp(`^\\s+${name}\\s+=`, 'm'));
    }
    const shell = template.replaceAll(/^%\{.*$/gm, '').replaceAll(/\$\{\w+\}/g, 'x');
    expect(spawnSync('sh', ['-n'], { input: shell, encoding: 'utf8' }).stderr).toBe('');
  });

  it('gives Cloud Run the settings that there are, and programs that are in its image', () => {
    const [locals] = parsed.get('cloud-run.tf')?.locals ?? [];
    const known: string[] = SETTINGS.map(({ env }) => env);
    const maps = [locals!['environment'], locals!['api_environment'], locals!['secret_environment']];
    const set = [...JSON.stringify(maps).matchAll(/\bEPHEMERA_\w+/g)].map(([name]) => name);
    expect(set).toContain('EPHEMERA_API_URL');
    for (const name of set) expect(known).toContain(name);
    const source = readFileSync(join(DIRECTORY, 'cloud-run.tf'), 'utf8');
    const programs = [...source.matchAll(/args\s+= \["([^"]+)"\]/g)].map(([, program]) => program!);
    // What deploy/container/run.mjs knows; test/e2e/package.test.ts starts both.
    expect(programs).toEqual(['api', 'worker']);
  });

  it.skipIf(spawnSync('terraform', ['version']).status !== 0)('is formatted as `terraform fmt` would', () => {
    expect(execFileSync('terraform', ['fmt', '-check', DIRECTORY], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  });
});
