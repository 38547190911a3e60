import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serverNameOf } from '../../../providers/cloud/resource-names.ts';
import type { Finding } from '../../../providers/descriptor.ts';
import { diagnose } from '../../../providers/digitalocean/diagnose.ts';
import { tagsOfRequest } from '../../../providers/digitalocean/droplet/droplet-tags.ts';
import { DIGITALOCEAN_RULES } from '../../../providers/digitalocean/rules.ts';
import type { DigitalOceanSettings } from '../../../providers/digitalocean/settings.ts';
import { digitalOceanRequest } from '../../../test-support/digitalocean-server/harness.ts';
import { startDigitalOceanServer, type DigitalOceanServer } from '../../../test-support/digitalocean-server/server.ts';

let server: DigitalOceanServer;
let directory: string;
beforeEach(async () => {
  server = await startDigitalOceanServer();
  directory = mkdtempSync(join(tmpdir(), 'ephemera-do-'));
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

/** As settings have them. */
const RULES = { ...DIGITALOCEAN_RULES, vpcs: [], sizes: [...DIGITALOCEAN_RULES.sizes] };

const tokenFile = (text = server.token): string => {
  const path = join(directory, `token-${text.length}`);
  writeFileSync(path, `${text}\n`);
  return path;
};
const findings = (overrides: Partial<DigitalOceanSettings> = {}): Promise<Finding[]> => {
  const own: DigitalOceanSettings = {
    ...{ tokenFile: tokenFile(), regions: ['nyc3', 'ams3'], rules: RULES, sshKeys: [] },
    ...{ image: 'ubuntu-24-04-x64', endpoint: server.endpoint, vmServerUrl: null },
    ...overrides,
  };
  return diagnose({ own, deployment: 'test' });
};

/** The one thing that is wrong. */
async function problem(overrides: Partial<DigitalOceanSettings> = {}): Promise<Finding> {
  const wrong = (await findings(overrides)).filter(({ ok }) => !ok);
  expect(wrong).toHaveLength(1);
  expect(wrong[0]!.todo).not.toBe('');
  return wrong[0]!;
}

describe('the doctor for DigitalOcean', () => {
  it('finds nothing wrong where all is well', async () => {
    const found = await findings();
    expect(found.filter(({ ok }) => !ok)).toEqual([]);
    expect(found.map(({ check }) => check)).toEqual(['token', 'regions', 'regions', 'droplets', 'image', 'vpcs']);
  });

  it('says which token is missing or not taken, and shows none', async () => {
    const missing = await problem({ tokenFile: join(directory, 'nowhere') });
    expect(missing).toMatchObject({ check: 'token', found: expect.stringContaining('ENOENT') as string });
    const wrong = await problem({ tokenFile: tokenFile('dop_v1_of-nobody') });
    expect(wrong.todo).toContain('account:read');
    expect(JSON.stringify(wrong)).not.toContain('of-nobody');
    const several = await problem({ tokenFile: tokenFile('two\nlines') });
    expect(several.found).toContain('no line of plain characters');
  });

  it('names the region that is not there', async () => {
    const found = await problem({ regions: ['nyc3', 'mar1'] });
    expect(found).toMatchObject({ check: 'regions', found: 'there is no region mar1' });
    expect(found.todo).toContain('EPHEMERA_DIGITALOCEAN_REGIONS');
  });

  it('counts the droplets against the limit of the account', async () => {
    server.model.dropletLimit = 1;
    const request = digitalOceanRequest();
    server.model.create({
      ...{ name: serverNameOf('test', request.machineId), region: 'nyc3', size: 's-1vcpu-1gb' },
      ...{ image: 'ubuntu-24-04-x64', tags: tagsOfRequest(request, 'test', DIGITALOCEAN_RULES, 1) },
    });
    expect((await problem()).found).toBe('1 of 1 droplets, 1 of them of this deployment');
  });

  it('names the image that is not there, and the VPC that is elsewhere', async () => {
    expect(await problem({ image: 'win95' })).toMatchObject({ check: 'image', found: 'there is no image win95' });
    const ofAms = server.model.vpcs.find(({ region }) => region === 'ams3')!.id;
    const elsewhere = await problem({ rules: { ...RULES, vpcs: [`nyc3=${ofAms}`] } });
    expect(elsewhere).toMatchObject({ check: 'vpcs', found: `${ofAms} is in ams3, not in nyc3` });
  });

  it('says which scope a token lacks', async () => {
    server.model.denied.add('images.list');
    expect((await problem()).todo).toContain('image:read');
  });
});
