/** deploy/{ec2,azure,digitalocean} as far as they can be checked without the clouds: HashiCorp's own parser, and what must agree with the code. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { EC2 } from '@aws-sdk/client-ec2';
import { parse } from '@cdktf/hcl2json';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SETTINGS } from '../../../config/settings.ts';
import { MACHINE_ACTIONS, OTHER_ACTIONS } from '../../../providers/ec2/permissions.ts';
import { PROVIDERS } from '../../../providers/registry.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const DEPLOY = join(ROOT, 'deploy');
const SETUP = readFileSync(join(DEPLOY, 'control-plane/setup.sh.tftpl'), 'utf8');
const NO_TERRAFORM = spawnSync('terraform', ['version']).status !== 0 ? ' (needs terraform)' : '';
const PREFIX = { ec2: 'aws', azure: 'azurerm', digitalocean: 'digitalocean' } as const;
type Cloud = keyof typeof PREFIX;

type Block = Record<string, unknown>;
interface Parsed {
  resource?: Record<string, Record<string, Block[]>>;
  data?: Record<string, Record<string, Block[]>>;
  locals?: Block[];
  variable?: Record<string, Block[]>;
  output?: Record<string, Block[]>;
}

/** What a folder declares. */
interface Module {
  text: string;
  /** By type and name. */
  resources: Map<string, Block>;
  data: Map<string, Block>;
  variables: Map<string, Block>;
  outputs: Map<string, Block>;
  locals: Block;
}

async function read(cloud: Cloud): Promise<Module> {
  const files = readdirSync(join(DEPLOY, cloud)).filter((name) => name.endsWith('.tf'));
  const sources = files.map((name) => [name, readFileSync(join(DEPLOY, cloud, name), 'utf8')] as const);
  const parsed = await Promise.all(sources.map(async ([name, text]) => (await parse(name, text)) as Parsed));
  const named = (kind: 'variable' | 'output'): Map<string, Block> =>
    new Map(parsed.flatMap((file) => Object.entries(file[kind] ?? {}).map(([name, [block]]) => [name, block!])));
  const typed = (kind: 'resource' | 'data'): Map<string, Block> =>
    new Map(
      parsed
        .flatMap((file) => Object.entries(file[kind] ?? {}))
        .flatMap(([type, blocks]) => Object.entries(blocks).map(([name, [block]]) => [`${type}.${name}`, block!])),
    );
  return {
    text: sources.map(([, text]) => text).join('\n'),
    ...{ resources: typed('resource'), data: typed('data'), variables: named('variable'), outputs: named('output') },
    locals: Object.assign({}, ...parsed.flatMap(({ locals = [] }) => locals)) as Block,
  };
}

const settingsIn = (text: string): string[] => [...text.matchAll(/\bEPHEMERA_\w+(?=\s*=)/g)].map(([name]) => name);
const isRegistered = (cloud: Cloud): boolean => PROVIDERS.some(({ name }) => name === cloud);

describe.each(Object.keys(PREFIX) as Cloud[])('the Terraform of deploy/%s', (cloud) => {
  let module: Module;
  beforeAll(async () => {
    module = await read(cloud);
  });

  it('parses, and declares every variable, local and resource that it refers to', () => {
    const { text, variables, locals, resources, data } = module;
    for (const [, name = ''] of text.matchAll(/\bvar\.(\w+)/g)) expect([...variables.keys()]).toContain(name);
    for (const name of variables.keys()) expect(text, `var.${name} is used`).toMatch(new RegExp(`var\\.${name}\\b`));
    for (const [, name = ''] of text.matchAll(/\blocal\.(\w+)/g)) expect(Object.keys(locals)).toContain(name);
    for (const name of Object.keys(locals)) expect(text, `local.${name}`).toMatch(new RegExp(`local\\.${name}\\b`));
    const references = [...text.matchAll(new RegExp(`(?<![\\w"])(data\\.)?(${PREFIX[cloud]}_\\w+\\.\\w+)`, 'g'))];
    expect(references.length).toBeGreaterThan(10);
    for (const [, isData, name = ''] of references)
      expect([...(isData === undefined ? resources : data).keys()]).toContain(name);
  });

  it('describes every variable and output', () => {
    for (const [name, block] of [...module.variables, ...module.outputs])
      expect(block['description'], name).toBeTypeOf('string');
  });

  it('sets settings that there are', () => {
    const set = [...settingsIn(module.text), ...[...SETUP.matchAll(/echo "(EPHEMERA_\w+)=/g)].map(([, name]) => name!)];
    expect(set).toContain(`EPHEMERA_PROVIDER`);
    expect(set.filter((name) => name.startsWith(`EPHEMERA_${cloud.toUpperCase()}_`)).length).toBeGreaterThan(5);
    const known: string[] = SETTINGS.map(({ env }) => env);
    const own = new RegExp(`^EPHEMERA_${cloud.toUpperCase()}_`);
    const checked = isRegistered(cloud) ? set : set.filter((name) => !own.test(name));
    for (const name of checked) expect(known).toContain(name);
  });

  it('hands the script that sets up the control plane all that it asks for, and that is a script', () => {
    const secrets = readFileSync(join(DEPLOY, cloud, 'secrets.sh.tftpl'), 'utf8');
    for (const [, name] of (SETUP + secrets).matchAll(/\$\{([a-z_0-9]+)\}/g)) {
      if (name !== 'name' && name !== 'value') expect(module.text, name).toMatch(new RegExp(`\\b${name}\\s+= `));
    }
    for (const name of ['secret', 'secret_if_any', 'keep_secret']) expect(secrets).toContain(`${name}() {`);
    expect(secrets).toContain('api_address=');
    const filled = (text: string): string => text.replaceAll(/^%\{.*$/gm, '').replaceAll(/\$\{\w+\}/g, 'x');
    const whole = filled(SETUP.replace('${secret_functions}', filled(secrets)));
    expect(spawnSync('sh', ['-n'], { input: whole, encoding: 'utf8' }).stderr).toBe('');
  });

  it('takes no release whose hash it was not told, and has no secret in its text or state', () => {
    expect(module.text).toMatch(/startswith\(var\.release_url, "https:\/\/"\) && var\.release_sha256 != ""/);
    expect(SETUP).toContain('sha256sum -c -');
    const secret = /EPHEMERA_(SECRET_KEY|API_KEY)\s+=|TEMPORAL_API_KEY\s+=|digitalocean_token|secret_string\s+=/;
    expect(module.text).not.toMatch(secret);
    for (const name of module.variables.keys()) expect(name).not.toMatch(/token|password|client_secret/);
  });

  it('speaks plain HTTP to the metadata service alone', () => {
    const texts = readdirSync(join(DEPLOY, cloud)).map((name) => readFileSync(join(DEPLOY, cloud, name), 'utf8'));
    const plain = [SETUP, ...texts].flatMap((text) => [...text.matchAll(/http:\/\/[^\s"'/]+/g)].map(([url]) => url));
    expect(plain.filter((url) => url !== 'http://169.254.169.254')).toEqual([]);
  });

  it.skipIf(NO_TERRAFORM)(`is formatted as terraform fmt would${NO_TERRAFORM}`, () => {
    const checked = ['fmt', '-check', join(DEPLOY, cloud)];
    expect(execFileSync('terraform', checked, { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  });
});

describe.each(['control-plane/setup.sh.tftpl', 'gcp/control-startup.sh.tftpl'])('the script of deploy/%s', (file) => {
  const script = readFileSync(join(DEPLOY, file), 'utf8');
  const beginning = script.indexOf('/cert.pem\n', script.indexOf('chmod 640')) + '/cert.pem\n'.length;
  const piece = script.slice(beginning, script.indexOf('for part in worker api'));
  let dir: string;
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'eph-setup-'))));
  afterEach(() => rmSync(dir, { recursive: true }));

  /** The part of it that writes the environment of API and worker, in a directory of its own. */
  const run = (secret: string): { status: number | null; environment: string } => {
    const shell = piece
      .replaceAll(/^%\{.*$\n?/gm, '')
      .replaceAll(/\$\{(\w+)\}/g, '$1')
      .replaceAll('/etc/ephemera', dir);
    const input = `set -eu\nwork='${dir}'\napi_address=10.0.0.1\nsecret() { ${secret}; }\n${shell}`;
    const { status } = spawnSync('sh', [], { input, encoding: 'utf8' });
    const written = join(dir, 'environment');
    return { status, environment: existsSync(written) ? readFileSync(written, 'utf8') : '' };
  };

  it('gives API and worker the secrets of the deployment', () => {
    const { status, environment } = run('echo "of $1"');
    expect(status).toBe(0);
    expect(environment).toMatch(/^EPHEMERA_SECRET_KEY=of deployment_secret$/m);
    expect(environment).toMatch(/^TEMPORAL_API_KEY=of temporal_api_key_secret$/m);
  });

  it.each(['return 1', 'true'])(
    'ends where there is no secret (%s): without one they make up one of their own',
    (none) => {
      const { status, environment } = run(none);
      expect({ status, environment }).toEqual({ status: 1, environment: '' });
    },
  );
});

/** Files of a provider that make calls, as one text; empty where the provider is not there. */
function sourcesOf(cloud: Cloud): string {
  const folder = join(ROOT, 'providers', cloud);
  if (!existsSync(join(folder, 'descriptor.ts'))) return '';
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
}
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

describe('the rights of the worker on EC2', () => {
  it('are on what has the tag of its deployment, in its own subnets, and to look', async () => {
    const { data, resources } = await read('ec2');
    const statements = data.get('aws_iam_policy_document.worker')!['statement'] as Block[];
    for (const { sid, actions, resources: on, condition } of statements) {
      if (sid === 'Look') {
        expect((actions as string[]).every((action) => action.startsWith('ec2:Describe'))).toBe(true);
        continue;
      }
      expect(JSON.stringify(on), String(sid)).not.toMatch(/"\*"|subnet\/\*|security-group\/\*/);
      if (sid !== 'MakeThere')
        expect(JSON.stringify(condition), String(sid)).toMatch(/local\.deployment|ec2:CreateAction/);
    }
    const roles = [...resources].filter(([, block]) => 'role' in block).map(([name]) => name);
    expect(roles.every((name) => /\.(control|worker|secrets)$/.test(name))).toBe(true);
    expect(JSON.stringify(statements)).not.toContain('iam:');
  });

  it.skipIf(sourcesOf('ec2') === '')('are those that its calls need, and no other', async () => {
    const { data } = await read('ec2');
    const statements = data.get('aws_iam_policy_document.worker')!['statement'] as { actions: string[] }[];
    const granted = sorted(statements.flatMap(({ actions }) => actions.map((action) => action.replace('ec2:', ''))));
    const called = [...sourcesOf('ec2').matchAll(/\.([a-z]\w+)\(/g)]
      .map(([, name = '']) => name)
      .filter((name) => /[A-Z]/.test(name) && Object.hasOwn(EC2.prototype, name));
    const actions = called.map((name) => name.charAt(0).toUpperCase() + name.slice(1));
    expect(called.length).toBeGreaterThan(10);
    // What comes with a call takes its own permission: tags with a create, snapshots with their image.
    expect(granted).toEqual(sorted([...actions, 'CreateTags', 'DeleteSnapshot']));
    expect(sorted([...MACHINE_ACTIONS, ...OTHER_ACTIONS])).toEqual(granted);
  });

  it('let machines reach the API alone, and nobody from everywhere in', async () => {
    const { resources } = await read('ec2');
    const rules = [...resources].filter(([name]) => name.includes('_ingress_rule.'));
    expect(rules.length).toBeGreaterThan(3);
    for (const [name, block] of rules) expect(JSON.stringify(block), name).not.toContain('0.0.0.0/0');
    const out = [...resources].filter(([name]) => name.includes('_egress_rule.'));
    const ofMachines = out.filter(([, block]) => String(block['security_group_id']).includes('.machines.'));
    expect(ofMachines.map(([, block]) => block['to_port'])).toEqual([7400]);
    expect(JSON.stringify(resources.get('aws_instance.control'))).toContain('"http_tokens":"required"');
  });
});

/** Kinds of resources by the names that the clients give their groups of calls. */
const AZURE_KINDS: Readonly<Record<string, string>> = {
  ...{ virtualMachines: 'Microsoft.Compute/virtualMachines', disks: 'Microsoft.Compute/disks' },
  ...{ images: 'Microsoft.Compute/images', networkInterfaces: 'Microsoft.Network/networkInterfaces' },
  publicIPAddresses: 'Microsoft.Network/publicIPAddresses',
  applicationSecurityGroups: 'Microsoft.Network/applicationSecurityGroups',
};
const AZURE_VERBS: Readonly<Record<string, string>> = {
  ...{ createOrUpdate: 'write', update: 'write', delete: 'delete' },
  ...{ get: 'read', list: 'read', listAll: 'read', listByResourceGroup: 'read' },
};
describe('the rights of the worker on Azure', () => {
  const actionsOf = async (role: string): Promise<string[]> => {
    const { resources } = await read('azure');
    const [permissions] = resources.get(`azurerm_role_definition.${role}`)!['permissions'] as { actions: unknown }[];
    return [...JSON.stringify(permissions!.actions).matchAll(/Microsoft\.[\w./]+/g)].map(([action]) => action);
  };
  const known = async (): Promise<Record<string, readonly string[]>> =>
    (await import(join(ROOT, 'providers/azure/permissions.ts'))) as Record<string, readonly string[]>;

  it.skipIf(sourcesOf('azure') === '')('are those that the provider says it needs, each where it says', async () => {
    const { GROUP_ACTIONS, EXTERNAL_IP_ACTIONS, NETWORK_ACTIONS, SUBSCRIPTION_ACTIONS } = await known();
    expect(await actionsOf('machines')).toEqual([...GROUP_ACTIONS!, ...EXTERNAL_IP_ACTIONS!]);
    expect((await actionsOf('network')).sort()).toEqual([...NETWORK_ACTIONS!].sort());
    expect(await actionsOf('look')).toEqual([...SUBSCRIPTION_ACTIONS!]);
  });

  it.skipIf(sourcesOf('azure') === '')('cover every call that it makes', async () => {
    const calls = [...sourcesOf('azure').matchAll(/\bapi\(\)\s*\.(\w+)\s*\.(\w+)\(/g)];
    expect(calls.length).toBeGreaterThan(12);
    const needed = calls.map(
      ([, kind = '', method = '']) => `${AZURE_KINDS[kind]}/${AZURE_VERBS[method] ?? `${method}/action`}`,
    );
    expect(await actionsOf('machines')).toEqual(expect.arrayContaining(sorted(needed)));
  });

  it('are to look alone where they are wider than that, and to join where the network is', async () => {
    expect((await actionsOf('look')).filter((action) => !action.endsWith('/read'))).toEqual([]);
    expect((await actionsOf('network')).filter((action) => !/\/(read|join\/action)$/.test(action))).toEqual([]);
    const { resources } = await read('azure');
    const assignments = [...resources].filter(([name]) => name.startsWith('azurerm_role_assignment.'));
    expect(assignments.length).toBeGreaterThan(4);
    for (const [name, block] of assignments) {
      const role = String(block['role_definition_id'] ?? block['role_definition_name']);
      const wide = /^\/subscriptions\/\$\{var\.subscription\}$/.test(String(block['scope']));
      expect([name, wide]).toEqual([name, role.includes('.look.')]);
      expect(role, name).not.toMatch(/Owner|Contributor|Administrator/);
    }
  });

  it('need no client secret: the worker is a managed identity', async () => {
    const { text, resources } = await read('azure');
    expect(JSON.stringify(resources.get('azurerm_linux_virtual_machine.control'))).toContain('"type":"UserAssigned"');
    expect(text).not.toMatch(/azuread_|client_secret/);
  });

  it('let nobody from everywhere in', async () => {
    const { resources } = await read('azure');
    for (const name of ['control', 'machines']) {
      const group = resources.get(`azurerm_network_security_group.${name}`)!;
      const rules = JSON.stringify(group['security_rule']);
      expect(rules).toContain('"name":"nobody-else"');
      for (const rule of group['security_rule'] as Block[]) {
        if (rule['access'] === 'Allow' && rule['direction'] === 'Inbound')
          expect([rule['name'], rule['source_address_prefix'] ?? '']).toEqual([rule['name'], '']);
      }
    }
  });
});

/** Scopes by the paths of the API and their methods; a `:` begins those that another call of the same path needs. */
const DIGITALOCEAN_SCOPES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\baccount: \{ get/, ['account:read']],
  [/\bdroplets: \{[^]*?post: Post<DropletCreate>/, ['droplet:create', 'droplet:read', 'ssh_key:read', 'vpc:read']],
  [/byDroplet_id\(id: number\): \{[^]*?delete: Delete/, ['droplet:delete']],
  [/\bactions: \{ post/, ['droplet:update']],
  [/byAction_id/, ['actions:read']],
  [/\btags: \{[^]*?post: Post/, ['tag:create', 'tag:read', 'tag:delete', 'image:update']],
  [/\bsnapshots: \{[^]*?delete: Delete/, ['snapshot:delete', 'snapshot:read']],
  [/\bimages: \{/, ['image:read']],
  [/\bregions: \{/, ['regions:read']],
  [/\bsizes: \{/, ['sizes:read']],
  [/\breserved_ips: \{/, ['reserved_ip:create', 'reserved_ip:delete', 'reserved_ip:read', 'reserved_ip:update']],
];

describe("the scopes of the worker's token on DigitalOcean", () => {
  it.skipIf(sourcesOf('digitalocean') === '')('are those that its calls need, and no other', async () => {
    const { locals } = await read('digitalocean');
    const api = sourcesOf('digitalocean');
    const needed = DIGITALOCEAN_SCOPES.flatMap(([call, scopes]) => (call.test(api) ? scopes : []));
    expect(locals['token_scopes']).toEqual(sorted(needed));
  });

  it('are shown to whoever makes it, and the token is on the control droplet alone', async () => {
    const { outputs, resources, text } = await read('digitalocean');
    expect(outputs.get('token_scopes')!['value']).toBe('${local.token_scopes}');
    expect(text).toContain('EPHEMERA_DIGITALOCEAN_TOKEN_FILE');
    for (const [name, block] of resources) {
      if (!name.startsWith('digitalocean_firewall.')) continue;
      expect(JSON.stringify(block['inbound_rule'] ?? []), name).not.toMatch(/0\.0\.0\.0\/0|::\/0/);
    }
  });
});
