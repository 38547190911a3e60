/** The volume by which a machine of an own image learns who it is, read by cloud-init itself. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeSeedVolume } from '../../../providers/qemu/machine/seed-volume.ts';
import { fetchCloudInit, whyNoCloudInit, type CloudInit } from '../../../test-support/cloud-init/cloud-init.ts';

describe.skipIf(whyNoCloudInit())('the volume with which a machine boots', () => {
  let cloudInit: CloudInit;
  let directory: string;
  beforeAll(async () => {
    cloudInit = await fetchCloudInit();
    directory = await mkdtemp(join(tmpdir(), 'eph-seed-'));
  });
  afterAll(async () => {
    await cloudInit.remove();
    await rm(directory, { recursive: true, force: true });
  });

  it('tells cloud-init which machine it is, its name, and to start the agent at each boot', async () => {
    await writeSeedVolume(directory, { machineId: 'm-0123', vm: 'lobby' });
    const found = await cloudInit.read(join(directory, 'seed.iso'));
    expect(found).toMatchObject({ found: true, instanceId: 'm-0123', hostname: 'lobby' });
    expect(found.parts).toEqual(['text/cloud-boothook']);
    expect(found.userData).toContain('LABEL=ephemera ');
  });

  it.each([
    ['a configuration', '#cloud-config\npackages: [nginx]\n', 'text/cloud-config'],
    ['a script', '#!/bin/sh\necho "grüß dich, ephemera-part" > /etc/motd\n', 'text/x-shellscript'],
  ])('carries %s of the user beside what starts the agent', async (_, userData, type) => {
    await writeSeedVolume(directory, { machineId: 'm-0123', vm: 'lobby', userData });
    const found = await cloudInit.read(join(directory, 'seed.iso'));
    expect(found).toMatchObject({ found: true, instanceId: 'm-0123' });
    expect(found.parts).toEqual(['text/cloud-boothook', type]);
    expect(found.texts[0]).toContain('LABEL=ephemera ');
    expect(found.texts[1]?.trim()).toBe(userData.trim());
  });

  it('is the same when it is written again, and leaves nothing else', async () => {
    const path = join(directory, 'seed.iso');
    await writeSeedVolume(directory, { machineId: 'm-0123', vm: 'lobby' });
    const first = await readFile(path);
    await Promise.all([1, 2, 3].map(() => writeSeedVolume(directory, { machineId: 'm-0123', vm: 'lobby' })));
    expect(await readFile(path)).toEqual(first);
    expect(await readdir(directory)).toEqual(['seed.iso']);
  });
});
