/** deploy/gcp as far as it can be checked without Google: HashiCorp's own parser, and what must agree with the code. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from '@cdktf/hcl2json';
import { beforeAll, describe, expect, it } from 'vitest';
import { SETTING_DEFINITIONS } from '../../config/setting-definitions.ts';
import { REQUIRED_PERMISSIONS } from '../../providers/gcp/permissions.ts';

const DIRECTORY = resolve(import.meta.dirname, '../../deploy/gcp');
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
    const references = text.matchAll(/(?<![\w"])(google_\w+)\.(\w+)/g);
    for (const [reference] of references) expect(known).toContain(reference);
  });

  it('describes every variable', () => {
    for (const { variable = {} } of parsed.values()) {
      for (const [name, [block]] of Object.entries(variable)) expect(block!['description'], name).toBeTypeOf('string');
    }
  });

  it('grants exactly the permissions that the provider uses', () => {
    const role = resources().get('google_project_iam_custom_role.machines');
    expect(role!['permissions']).toEqual([...REQUIRED_PERMISSIONS]);
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
    const known: string[] = Object.values(SETTING_DEFINITIONS).map(({ env }) => env);
    for (const [, name] of template.matchAll(/echo "(EPHEMERA_\w+)=/g)) expect(known).toContain(name);
    for (const [, name] of template.matchAll(/[$%]\{ ?(?:if )?([a-z_]+)/g)) {
      if (name !== 'endif') expect(text, name).toMatch(new RegExp(`^\\s+${name}\\s+=`, 'm'));
    }
    const shell = template.replaceAll(/^%\{.*$/gm, '').replaceAll(/\$\{\w+\}/g, 'x');
    expect(spawnSync('sh', ['-n'], { input: shell, encoding: 'utf8' }).stderr).toBe('');
  });

  it('gives Cloud Run the settings that there are, and programs that are in its image', () => {
    const [locals] = parsed.get('cloud-run.tf')?.locals ?? [];
    const known: string[] = Object.values(SETTING_DEFINITIONS).map(({ env }) => env);
    const set = Object.keys(locals!['environment'] as Block).filter((name) => name.startsWith('EPHEMERA_'));
    expect(set).toContain('EPHEMERA_API_URL');
    for (const name of set) expect(known).toContain(name);
    const source = readFileSync(join(DIRECTORY, 'cloud-run.tf'), 'utf8');
    const programs = [...source.matchAll(/args\s+= \["([^"]+)"\]/g)].map(([, program]) => program!);
    expect(programs).toEqual(['api/main.ts', 'worker/main.ts']);
    for (const program of programs) expect(existsSync(resolve(DIRECTORY, '../..', program)), program).toBe(true);
  });

  it.skipIf(spawnSync('terraform', ['version']).status !== 0)('is formatted as `terraform fmt` would', () => {
    expect(execFileSync('terraform', ['fmt', '-check', DIRECTORY], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  });
});
