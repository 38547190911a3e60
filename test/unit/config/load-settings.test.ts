import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeSettings } from '../../../config/describe-settings.ts';
import { SettingsError, loadSettings } from '../../../config/load-settings.ts';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { local } from '../../../providers/local/descriptor.ts';
import { ownSettings, providerNames } from '../../../providers/lookup.ts';
import { settingsEnvironment } from '../../../config/settings-environment.ts';
import { temporalConnectionOptions } from '../../../config/temporal/temporal-connection.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ephemera-settings-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const load = (argv: string[] = [], env: Record<string, string> = {}) => loadSettings({ argv, env, cwd });

function mistakesOf(argv: string[], env: Record<string, string> = {}): readonly string[] {
  try {
    load(argv, env);
  } catch (error) {
    if (error instanceof SettingsError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('loadSettings', () => {
  it('has a default for everything', () => {
    const settings = load();
    expect(settings).toMatchObject({
      deployment: 'default',
      providers: ['local'],
      api: { host: '127.0.0.1', port: 7400, portWasAsked: false, presetKey: null, url: 'http://127.0.0.1:7400' },
      temporal: { address: null, namespace: 'ephemera', port: 7233, uiPort: 8233, portWasAsked: false, cliPath: null },
      worker: { roles: ['control', 'host'] },
      providerSettings: { local: { agentTransport: 'unix' } },
      logLevel: 'info',
    });
    expect(settings.stateDir).toMatch(/\.ephemera$/);
  });

  it('takes a flag before the environment, the environment before the file, the file before the default', () => {
    writeFileSync(join(cwd, 'ephemera.yaml'), 'apiPort: 1111\napiHost: 127.0.0.3\ndeployment: blue\n');
    const env = { EPHEMERA_API_PORT: '2222', EPHEMERA_API_HOST: '127.0.0.2' };
    const settings = load(['--api-port=3333'], env);
    expect(settings.api).toMatchObject({ port: 3333, portWasAsked: true, host: '127.0.0.2' });
    expect(settings.deployment).toBe('blue');
    expect(load([], env).api.port).toBe(2222);
    expect(load().api.port).toBe(1111);
  });

  it('reads another file with --config or EPHEMERA_CONFIG', () => {
    writeFileSync(join(cwd, 'other.yaml'), 'workerRoles: [host]\n');
    expect(load(['--config', 'other.yaml']).worker.roles).toEqual(['host']);
    expect(load([], { EPHEMERA_CONFIG: join(cwd, 'other.yaml') }).worker.roles).toEqual(['host']);
  });

  it('takes limits of the host as whole numbers, and hands them to child processes', () => {
    expect(load().host).toMatchObject({ cpus: null, memoryMb: null, diskGb: null });
    const settings = load(['--host-memory-mb', '2048'], { EPHEMERA_HOST_CPUS: '0' });
    expect(settings.host).toMatchObject({ cpus: 0, memoryMb: 2048, diskGb: null });
    expect(loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd }).host).toEqual(settings.host);
    expect(mistakesOf([], { EPHEMERA_HOST_DISK_GB: '1.5' }).join()).toContain('EPHEMERA_HOST_DISK_GB');
  });

  it('takes zone, labels and patience of the host, and hands them to child processes', () => {
    expect(load().host).toMatchObject({ zone: null, labels: {}, lostSeconds: 600 });
    const settings = load(['--host-labels', 'disk=ssd, room=B2'], {
      ...{ EPHEMERA_HOST_ZONE: 'attic', EPHEMERA_HOST_LOST_SECONDS: '30' },
    });
    expect(settings.host).toMatchObject({ zone: 'attic', labels: { disk: 'ssd', room: 'B2' }, lostSeconds: 30 });
    expect(loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd }).host).toEqual(settings.host);
    for (const [variable, wrong] of [
      ['EPHEMERA_HOST_ZONE', 'Attic 2'],
      ['EPHEMERA_HOST_LABELS', 'disk'],
      ['EPHEMERA_HOST_LABELS', 'Disk=ssd'],
      ['EPHEMERA_HOST_LABELS', 'disk=s s'],
      ['EPHEMERA_HOST_LOST_SECONDS', '5'],
    ] as const) {
      expect(mistakesOf([], { [variable]: wrong }).join(), wrong).toContain(variable);
    }
  });

  it('takes addresses and ranges of trusted proxies, hands them to child processes, and refuses anything else', () => {
    expect(load().api.trustedProxies).toEqual([]);
    const settings = load(['--api-trusted-proxies', '10.0.0.7, 192.168.0.0/16'], {});
    expect(settings.api.trustedProxies).toEqual(['10.0.0.7', '192.168.0.0/16']);
    const child = loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd });
    expect(child.api.trustedProxies).toEqual(settings.api.trustedProxies);
    expect(load(['--api-trusted-proxies', 'fd00::/8,loopback']).api.trustedProxies).toHaveLength(2);
    for (const wrong of ['all', '10.0.0.0/33', '0.0.0.0/0', '10.0.0/8', 'fd00::/129', 'proxy.test']) {
      expect(mistakesOf(['--api-trusted-proxies', wrong]).join(), wrong).toContain(`names "${wrong}"`);
    }
  });

  it('takes limits of the calls to a provider by its name, and hands them to child processes', () => {
    expect(load().providerCalls).toEqual({ perSecond: {}, burst: {} });
    const settings = load(['--provider-calls-per-second', 'gcp=5, local=100'], {
      EPHEMERA_PROVIDER_CALL_BURST: 'gcp=20',
    });
    expect(settings.providerCalls).toEqual({ perSecond: { gcp: 5, local: 100 }, burst: { gcp: 20 } });
    const child = loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd });
    expect(child.providerCalls).toEqual(settings.providerCalls);
    writeFileSync(join(cwd, 'ephemera.yaml'), 'providerCallsPerSecond: { qemu: 7 }\n');
    expect(load().providerCalls.perSecond).toEqual({ qemu: 7 });
  });

  it.each(['gcp', 'gcp=', 'gcp=fast', 'gcp=0', 'nobody=5', '12'])('refuses the calls a second "%s"', (written) => {
    expect(mistakesOf([], { EPHEMERA_PROVIDER_CALLS_PER_SECOND: written }).join()).toContain(
      'EPHEMERA_PROVIDER_CALLS_PER_SECOND',
    );
  });

  it('takes a build only of a deployment, and hands both to child processes', () => {
    const settings = load(['--worker-deployment', 'vms'], { EPHEMERA_WORKER_BUILD_ID: '1.2.3-abc' });
    expect(settings.worker).toMatchObject({ deployment: 'vms', buildId: '1.2.3-abc' });
    const child = loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd });
    expect(child.worker).toMatchObject({ deployment: 'vms', buildId: '1.2.3-abc' });
    expect(load().worker).toMatchObject({ deployment: null, buildId: null });
    expect(mistakesOf([], { EPHEMERA_WORKER_BUILD_ID: '1' }).join()).toContain('EPHEMERA_WORKER_DEPLOYMENT');
    expect(mistakesOf([], { EPHEMERA_WORKER_DEPLOYMENT: 'a:b' }).join()).toContain('EPHEMERA_WORKER_DEPLOYMENT');
  });

  it('takes what machines on Compute Engine may be, the default network first, and hands it to child processes', () => {
    const own = ['--provider', 'gcp', '--gcp-endpoint', 'http://127.0.0.1:1'];
    const strict = { networks: ['default'], externalIp: 'never', machineTypes: ['e2-*'] };
    expect(ownSettings(load(own), gcp).rules).toEqual(strict);
    const rules = {
      networks: ['regions/us-central1/subnetworks/own', 'default'],
      externalIp: 'allowed',
      machineTypes: ['e2-*', 'n2-standard-4'],
    };
    const env = {
      EPHEMERA_GCP_NETWORKS: rules.networks.join(', '),
      EPHEMERA_GCP_EXTERNAL_IP: 'allowed',
      EPHEMERA_GCP_MACHINE_TYPES: rules.machineTypes.join(','),
    };
    const settings = load(own, env);
    expect(ownSettings(settings, gcp).rules).toEqual(rules);
    expect(ownSettings(loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd }), gcp).rules).toEqual(
      rules,
    );
    for (const [name, wrong] of [
      ['NETWORKS', '../x'],
      ['NETWORKS', 'default,default'],
      ['EXTERNAL_IP', 'yes'],
      ['MACHINE_TYPES', 'e2 small'],
    ] as const) {
      expect(mistakesOf(own, { [`EPHEMERA_GCP_${name}`]: wrong }), wrong).toHaveLength(1);
    }
    expect(mistakesOf([], { EPHEMERA_GCP_NETWORKS: 'default' }).join()).toContain('is for the provider gcp');
  });

  it('starts on the real Compute Engine only where somebody said which network machines are in', () => {
    const env = { EPHEMERA_GCP_PROJECT: 'p', EPHEMERA_API_URL: 'https://api.example.test' };
    expect(mistakesOf(['--provider', 'gcp'], env).join()).toContain('EPHEMERA_GCP_NETWORKS');
    expect(mistakesOf(['--provider', 'gcp', '--gcp-networks', 'default'], env)).toEqual([]);
  });

  it('speaks TLS with a certificate and its key, which machines are told the authority of', () => {
    expect(load().api).toMatchObject({ tls: null, caFile: null });
    const env = {
      EPHEMERA_API_TLS_CERT: 'api.pem',
      EPHEMERA_API_TLS_KEY: '/k/api.key',
      EPHEMERA_API_CA_CERT: 'ca.pem',
    };
    const settings = load([], env);
    const tls = { certFile: join(cwd, 'api.pem'), keyFile: '/k/api.key' };
    expect(settings.api).toMatchObject({ tls, caFile: join(cwd, 'ca.pem'), url: 'https://127.0.0.1:7400' });
    const child = loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd });
    expect(child.api).toMatchObject({ tls, caFile: join(cwd, 'ca.pem'), url: 'https://127.0.0.1:7400' });
    expect(mistakesOf([], { EPHEMERA_API_TLS_CERT: 'api.pem' }).join()).toContain('EPHEMERA_API_TLS_KEY');
    expect(mistakesOf([], { EPHEMERA_API_TLS_KEY: 'api.key' }).join()).toContain('EPHEMERA_API_TLS_CERT');
    expect(mistakesOf([], { ...env, EPHEMERA_API_URL: 'http://10.0.0.2:7400' }).join()).toContain('https:// alone');
  });

  it('resolves paths against the working directory and lists at commas', () => {
    const settings = load(['--state-dir', 'state'], { EPHEMERA_WORKER_ROLES: 'host, control' });
    expect(settings.stateDir).toBe(join(cwd, 'state'));
    expect(settings.worker.roles).toEqual(['host', 'control']);
  });

  it('treats an empty variable as unset', () => {
    expect(load([], { EPHEMERA_API_PORT: '', TEMPORAL_ADDRESS: '' }).api.port).toBe(7400);
  });

  it.each(['0.0.0.0', '::', '10.60.0.2', 'api.test'])('offers no local machines to whoever reaches %s', (host) => {
    const [mistake, ...more] = mistakesOf(['--api-host', host]);
    expect(more).toEqual([]);
    expect(mistake).toContain('--api-host: is not loopback');
    expect(mistake).toContain('EPHEMERA_LOCAL_TRUST_ALL_KEYS=true');
    const both = { EPHEMERA_PROVIDER: 'qemu,local', EPHEMERA_LOCAL_TRUST_ALL_KEYS: 'false' };
    expect(mistakesOf(['--api-host', host, '--log-level', 'loud'], both)).toHaveLength(2);
    expect(ownSettings(load(['--api-host', host, '--provider', 'qemu']), local).trustAllKeys).toBe(false);
  });

  it('offers them there when it is told that all key holders are trusted, and hands that to child processes', () => {
    const settings = load(['--api-host', '0.0.0.0'], { EPHEMERA_LOCAL_TRUST_ALL_KEYS: 'true' });
    expect(ownSettings(settings, local).trustAllKeys).toBe(true);
    const child = loadSettings({ argv: [], env: settingsEnvironment(settings, {}), cwd });
    expect(ownSettings(child, local).trustAllKeys).toBe(true);
    writeFileSync(join(cwd, 'ephemera.yaml'), 'apiHost: 0.0.0.0\nlocalTrustAllKeys: true\n');
    expect(ownSettings(load(), local).trustAllKeys).toBe(true);
    const unclear = mistakesOf([], { EPHEMERA_LOCAL_TRUST_ALL_KEYS: 'perhaps' }).join();
    expect(unclear).toContain('EPHEMERA_LOCAL_TRUST_ALL_KEYS: must be true or false');
    for (const host of ['localhost', '127.0.0.2', '::1']) expect(load(['--api-host', host]).api.host).toBe(host);
  });

  it('sends agents to loopback when the API listens on every address', () => {
    const argv = ['--api-host', '0.0.0.0', '--api-port', '8000', '--provider', 'qemu'];
    expect(load(argv).api.url).toBe('http://127.0.0.1:8000');
  });

  it('lists every mistake at once, each with its source', () => {
    writeFileSync(join(cwd, 'ephemera.yaml'), 'apiPrt: 1\nlogLevel: 7\nsecretKey: abc\n');
    const mistakes = mistakesOf(['--api-prot', '1', '--state-dir', '--api-key=hello', 'stray'], {
      EPHEMERA_PROVIDR: 'local',
      EPHEMERA_PROVIDER: 'lcoal',
      EPHEMERA_API_PORT: '99999',
      EPHEMERA_INTERNAL_PORT: 'many',
      EPHEMERA_SECRET_KEY: 'short',
    });
    const file = join(cwd, 'ephemera.yaml');
    expect(mistakes).toEqual([
      '--api-prot: unknown flag; did you mean --api-port?',
      'argument "stray": not a flag; write --name value',
      'EPHEMERA_PROVIDR: unknown variable; did you mean EPHEMERA_PROVIDER?',
      `apiPrt in ${file}: unknown key; did you mean apiPort?`,
      `secretKey in ${file}: a secret does not belong in this file; set EPHEMERA_SECRET_KEY instead`,
      `EPHEMERA_PROVIDER: names the unknown provider "lcoal"; known: ${providerNames().join(', ')}`,
      `logLevel in ${file}: must be debug or info or warn or error, not 7`,
      'EPHEMERA_API_PORT: must be a port, 0 to 65535, not "99999"',
      'EPHEMERA_SECRET_KEY: must be 32 bytes or more as hex or base64, for example from: openssl rand -hex 32',
      'EPHEMERA_INTERNAL_PORT: must be a port number, not "many"',
    ]);
  });

  it('never repeats a secret in a mistake', () => {
    const secrets = { EPHEMERA_SECRET_KEY: 'hunter2hunter2', EPHEMERA_API_KEY: 'short one' };
    expect(mistakesOf(['--api-key=hunter3'], secrets).join()).not.toMatch(/hunter|short one/);
  });

  it('refuses settings that contradict each other', () => {
    expect(mistakesOf(['--temporal-port', '7000'], { TEMPORAL_ADDRESS: 'temporal:7233' })).toEqual([
      '--temporal-port: is for a server that we start, but TEMPORAL_ADDRESS names one; drop either',
    ]);
    expect(mistakesOf(['--api-port', '7000', '--internal-port', '7000'])).toEqual([
      '--internal-port: takes port 7000, which --api-port takes too',
    ]);
    expect(mistakesOf(['--gcp-project', 'p'])).toHaveLength(1);
    expect(mistakesOf(['--api-peer-host', '0.0.0.0'])).toEqual([
      '--api-peer-host: other replicas cannot reach 0.0.0.0; name an address of this computer',
    ]);
  });

  it('lets metrics leave this computer only with a token', () => {
    const env = { EPHEMERA_METRICS_HOST: '0.0.0.0' };
    expect(mistakesOf([], env)).toEqual([
      'EPHEMERA_METRICS_HOST: metrics that leave this computer need EPHEMERA_METRICS_TOKEN too',
    ]);
    expect(load([], { ...env, EPHEMERA_METRICS_TOKEN: 'a-token-of-some-length' }).metrics.host).toBe('0.0.0.0');
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost'])
      expect(mistakesOf(['--metrics-host', host])).toEqual([]);
  });

  it('names a config file that is missing or no yaml', () => {
    expect(mistakesOf(['--config', 'nowhere.yaml'])).toEqual([
      `--config: there is no file ${join(cwd, 'nowhere.yaml')}; correct the path or leave it out`,
    ]);
    writeFileSync(join(cwd, 'ephemera.yaml'), '{ no yaml');
    expect(mistakesOf([])[0]).toContain('cannot be read as yaml');
    writeFileSync(join(cwd, 'ephemera.yaml'), '- a list');
    expect(mistakesOf([])[0]).toContain('must hold "name: value" lines');
  });

  it('describes every setting without naming a flag for a secret', () => {
    expect(describeSettings()).toContain('--api-port');
    expect(describeSettings()).not.toContain('--secret-key');
  });
});

describe('settingsEnvironment', () => {
  it('gives a child the same settings, whatever file or variable its parent had', () => {
    writeFileSync(join(cwd, 'ephemera.yaml'), 'apiPort: 1111\ntemporalPort: 1112\n');
    const parent = load(['--deployment', 'blue'], {
      EPHEMERA_SECRET_KEY: 'ab'.repeat(32),
    });
    const env = settingsEnvironment(parent, { PATH: '/bin', EPHEMERA_CONFIG: 'nowhere.yaml' });
    const child = loadSettings({ argv: [], env, cwd });
    const asked = { portWasAsked: true };
    expect(child).toEqual({
      ...parent,
      api: { ...parent.api, ...asked },
      temporal: { ...parent.temporal, ...asked, uiPortWasAsked: true },
      worker: { ...parent.worker, internalPortWasAsked: true },
      metrics: { ...parent.metrics, apiPortWasAsked: true, workerPortWasAsked: true, gatewayPortWasAsked: true },
    });
    expect(env['PATH']).toBe('/bin');
    const named = { ...parent, temporal: { ...parent.temporal, address: 'there:7233' } };
    expect(loadSettings({ argv: [], env: settingsEnvironment(named, {}), cwd }).temporal.address).toBe('there:7233');
  });
});

describe('the Temporal connection', () => {
  it('goes to the server that we start when none is named', () => {
    expect(temporalConnectionOptions(load(['--temporal-port', '7999']), {})).toEqual({ address: '127.0.0.1:7999' });
  });

  it('takes address, namespace, API key and TLS from a profile', () => {
    const toml = '[profile.prod]\naddress = "cloud.example:7233"\nnamespace = "ours"\napi_key = "k"\n';
    writeFileSync(join(cwd, 'temporal.toml'), toml);
    const env = { TEMPORAL_CONFIG_FILE: join(cwd, 'temporal.toml'), TEMPORAL_PROFILE: 'prod' };
    const settings = load([], env);
    expect(settings.temporal).toMatchObject({ address: 'cloud.example:7233', namespace: 'ours' });
    const expected = { address: 'cloud.example:7233', apiKey: 'k', tls: true };
    expect(temporalConnectionOptions(settings, env)).toEqual(expected);
  });

  it('asks which server an API key is for', () => {
    expect(mistakesOf([], { TEMPORAL_API_KEY: 'k' })[0]).toContain('set TEMPORAL_ADDRESS too');
  });

  it('lets TEMPORAL_ADDRESS win over the profile, and a profile that does not exist is a mistake', () => {
    expect(load([], { TEMPORAL_ADDRESS: 'here:1' }).temporal.address).toBe('here:1');
    const env = { TEMPORAL_PROFILE: 'nope', TEMPORAL_CONFIG_FILE: join(cwd, 'none.toml') };
    expect(mistakesOf([], env)[0]).toContain("Profile 'nope' not found");
  });
});
