import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OAuth2Client } from 'google-auth-library';
import { GCP_RULES } from '../../../providers/gcp/rules.ts';
import { serverNamePrefix } from '../../../providers/cloud/resource-names.ts';
import { MACHINE_PERMISSIONS, NETWORK_PERMISSIONS } from '../../../providers/gcp/permissions.ts';
import { doctorProvider } from '../../../commands/doctor/doctor-provider.ts';
import { gcp } from '../../../providers/gcp/descriptor.ts';
import { diagnoseGcp, type GcpDoctorOptions, type GcpFinding } from '../../../providers/gcp/diagnose.ts';
import { DEFAULT_WORLD, startGceServer, type GceServer } from '../../../test-support/gce-server/server.ts';

let server: GceServer;
beforeEach(async () => {
  server = await startGceServer();
});
afterEach(() => server.close());

const diagnose = (overrides: Partial<GcpDoctorOptions> = {}): Promise<GcpFinding[]> =>
  diagnoseGcp({
    project: DEFAULT_WORLD.project,
    zones: ['us-central1-a', 'europe-west1-b'],
    endpoint: server.endpoint,
    ...overrides,
  });

/** The one thing that is wrong. */
async function problem(overrides: Partial<GcpDoctorOptions> = {}): Promise<GcpFinding> {
  const wrong = (await diagnose(overrides)).filter(({ ok }) => !ok);
  expect(wrong).toHaveLength(1);
  expect(wrong[0]!.todo).not.toBe('');
  return wrong[0]!;
}

const answer = (status: number, reason: string, message: string) =>
  ({ kind: 'answer', status, reason, message }) as const;

describe('the doctor for Compute Engine', () => {
  it('finds nothing wrong where all is well', async () => {
    const findings = await diagnose();
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual([
      'credentials',
      'api',
      'permissions',
      'zones',
      'quota',
      'quota',
      'image',
    ]);
  });

  it('says how to get credentials where there are none', async () => {
    const authClient = new OAuth2Client();
    const found = await problem({ endpoint: null, authClient });
    expect(found).toMatchObject({ check: 'credentials' });
    expect(found.todo).toContain('gcloud auth application-default login');
  });

  it('says how to enable the API', async () => {
    const message = 'Compute Engine API has not been used in project 1 before or it is disabled.';
    server.faults.add({ method: 'projects.get', times: 9, what: answer(403, 'accessNotConfigured', message) });
    expect((await problem()).todo).toContain('gcloud services enable compute.googleapis.com');
  });

  it('says that the project is another one', async () => {
    expect((await problem({ project: 'typo' })).todo).toContain('EPHEMERA_GCP_PROJECT');
  });

  it('says that the credentials may not even look', async () => {
    server.model.denied.add('compute.projects.get');
    expect(await problem()).toMatchObject({ check: 'api' });
  });

  it('says that nobody answers', async () => {
    expect(await problem({ endpoint: 'http://127.0.0.1:1' })).toMatchObject({ check: 'api' });
  });

  it('names each missing permission', async () => {
    server.model.denied.add('compute.instances.suspend').add('compute.images.create');
    expect(await problem()).toMatchObject({
      check: 'permissions',
      found: 'missing: compute.images.create, compute.instances.suspend',
    });
  });

  it('looks for what is granted on the subnetwork and on machines of this deployment alone', async () => {
    const rules = { ...GCP_RULES, networks: ['regions/us-central1/subnetworks/own'] };
    for (const permission of [...MACHINE_PERMISSIONS, ...NETWORK_PERMISSIONS]) server.model.denied.add(permission);
    const found = await problem({ rules, deployment: 'blue' });
    expect(found.found).toContain('compute.instances.create');
    expect(found.found).toContain('compute.subnetworks.use on regions/us-central1/subnetworks/own');
    server.model.grantedOn.set('instances', (name) => name.startsWith(serverNamePrefix('blue')));
    server.model.grantedOn.set('subnetworks', (name) => name === 'own');
    expect((await diagnose({ rules, deployment: 'blue' })).filter(({ ok }) => !ok)).toEqual([]);
    expect((await problem({ rules, deployment: 'green' })).found).toContain('compute.instances.create');
  });

  it('asks for addresses on the internet only where machines may have one', async () => {
    server.model.denied.add('compute.subnetworks.useExternalIp');
    expect((await diagnose()).filter(({ ok }) => !ok)).toEqual([]);
    const found = await problem({ rules: { ...GCP_RULES, externalIp: 'allowed' } });
    expect(found.found).toContain('compute.subnetworks.useExternalIp');
  });

  it('names a zone that does not exist', async () => {
    expect((await problem({ zones: ['us-central1-a', 'moon-east1-a'] })).todo).toContain('moon-east1-a');
  });

  it('names a quota without room', async () => {
    server.model.instanceQuota = 0;
    const found = await problem({ zones: ['us-central1-a'] });
    expect(found).toMatchObject({ check: 'quota' });
    expect(found.todo).toContain('INSTANCES in us-central1');
  });

  it('names an image that does not exist, and one that may not be used', async () => {
    expect(await problem({ image: 'family/none' })).toMatchObject({ check: 'image' });
    server.faults.add({
      method: 'images.getFromFamily',
      times: 9,
      what: answer(403, 'forbidden', "Required 'compute.images.get' permission"),
    });
    expect((await problem()).todo).toContain('compute.images.useReadOnly');
  });
});

describe('npm run doctor -- gcp', () => {
  it('ends well where all is well, and else says all there is to do', async () => {
    const env = { EPHEMERA_GCP_PROJECT: DEFAULT_WORLD.project, EPHEMERA_GCP_ENDPOINT: server.endpoint };
    await expect(doctorProvider(gcp, env)).resolves.toBeUndefined();
    server.model.denied.add('compute.instances.create');
    await expect(doctorProvider(gcp, { ...env, EPHEMERA_GCP_ZONES: 'moon-east1-a' })).rejects.toThrow(
      /permissions: Grant them[^]*zones: Take moon-east1-a out/,
    );
    await expect(doctorProvider(gcp, {})).rejects.toThrow(/EPHEMERA_GCP_PROJECT/);
  });
});

describe('npm run test:gcp-live', () => {
  const run = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ['--import', 'tsx', 'dev/test-live.ts', 'gcp'], { encoding: 'utf8', env });

  it('without a project says which setting it needs, and fails', () => {
    const { status, stderr, stdout } = run({ PATH: process.env['PATH'] });
    expect(stdout + stderr).toMatch(/EPHEMERA_GCP_PROJECT: .*needs the project[^]*cost money/);
    expect(status).toBe(1);
  });

  it('without credentials says how to get some, and fails', () => {
    const { status, stderr, stdout } = run({
      PATH: process.env['PATH'],
      HOME: '/nonexistent',
      EPHEMERA_GCP_PROJECT: 'p',
      METADATA_SERVER_DETECTION: 'none',
    });
    expect(stdout + stderr).toContain('gcloud auth application-default login');
    expect(status).toBe(1);
  });
});
