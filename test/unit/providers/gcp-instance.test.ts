import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { imagePathOf, refuseKeptDisk } from '../../../providers/gcp/machine/image-reference.ts';
import { imageFamilyOf, serverNameOf } from '../../../providers/cloud/resource-names.ts';
import { labelKeyOf, labelValueOf } from '../../../providers/gcp/machine/instance-names.ts';
import { machineTypeOf } from '../../../providers/gcp/machine/machine-type.ts';
import { requestIdOf } from '../../../providers/cloud/request-id.ts';
import { startupScript } from '../../../providers/cloud/startup-script.ts';
import { GCE_SCRIPTS } from '../../../providers/gcp/machine/start-scripts.ts';

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL = /^[a-z0-9_-]{0,63}$/;

describe('names', () => {
  it('are readable where they fit', () => {
    expect(serverNameOf('prod', 'm-1a2b')).toBe('eph-prod-m-1a2b');
    expect(labelValueOf('lobby_1')).toBe('lobby_1');
  });

  it('stay within the rules and differ for every machine, however long or odd', () => {
    const odd = ['m-1', 'm-1-2', 'M-1', 'm-ü', `m-${'a'.repeat(80)}`, `m-${'a'.repeat(79)}b`, 'm-1_2', ''];
    const names = ['a', 'b', 'a-m-1', 'x'.repeat(40)].flatMap((deployment) =>
      odd.map((machineId) => serverNameOf(deployment, machineId)),
    );
    for (const name of names) expect(name).toMatch(NAME);
    expect(new Set(names).size).toBe(names.length);
  });

  it('of labels differ where their texts do, even if one text looks like the hash of another', () => {
    const texts = ['Lobby', 'lobby', 'lobby!', 'LOBBY', 'ü', 'x'.repeat(64), 'x'.repeat(65), labelValueOf('Lobby')];
    const values = texts.map(labelValueOf);
    for (const value of values) expect(value).toMatch(LABEL);
    expect(new Set(values).size).toBe(texts.length);
    expect(labelKeyOf('1st')).toMatch(/^[a-z]/);
  });
});

describe('the request id', () => {
  it('is a UUID that is the same for the same words and another for others', () => {
    const id = requestIdOf('test', 'd', 'm-1', 'zone', 'insert', 0);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(requestIdOf('test', 'd', 'm-1', 'zone', 'insert', 0)).toBe(id);
    expect(requestIdOf('test', 'd', 'm-1', 'zone', 'insert', 1)).not.toBe(id);
    expect(requestIdOf('test', 'd', 'm-1z', 'one', 'insert', 0)).not.toBe(id);
  });
});

describe('images and machine types', () => {
  it('are never the disk that a VM was closed into, however its image or family is named and spelled', () => {
    const own = 'example.com:p';
    const kept = ['prod', 'p'.repeat(40)].flatMap((deployment) => [
      ...['m-1a2b', 'm-1a2b-1', `m-${'a'.repeat(80)}-img`].map((id) => serverNameOf(deployment, id)),
      ...['lobby', 'l'.repeat(60)].map((family) => `family/${imageFamilyOf(deployment, 'vm/default/lobby', family)}`),
    ]);
    for (const image of kept) {
      for (const spelled of [image, `${own}/${image}`, `projects/${own}/global/images/${image}`]) {
        expect(() => refuseKeptDisk(spelled, own), spelled).toThrow(/is what a VM was closed into/);
      }
    }
    for (const odd of [
      `projects/q/global/images/${own}/${kept[0]}`,
      `123456/${kept[0]}`,
      ` ${kept[0]}`,
      `${kept[0]}/`,
    ]) {
      expect(() => refuseKeptDisk(odd, own), odd).toThrow(/is no image/);
    }
    for (const other of ['vm-server', 'mine', 'family/lobby', `q/${kept[0]}`, 'container:nginx'])
      refuseKeptDisk(other, own);
  });

  it('are found by every way of writing them', () => {
    expect(imagePathOf('mine', 'p')).toBe('projects/p/global/images/mine');
    expect(imagePathOf('family/lobby', 'p')).toBe('projects/p/global/images/family/lobby');
    expect(imagePathOf('cos-cloud/family/cos-stable', 'p')).toBe('projects/cos-cloud/global/images/family/cos-stable');
    expect(imagePathOf('projects/q/global/images/family/f', 'p')).toBe('projects/q/global/images/family/f');
    const containers = [
      'container:nginx',
      'container:docker.io/library/nginx:1.27',
      `container:eu.gcr.io/a/b@sha256:${'0'.repeat(64)}`,
    ];
    for (const image of containers) {
      expect(imagePathOf(image, 'p')).toBe('projects/cos-cloud/global/images/family/cos-stable');
    }
    for (const wrong of ['container:', 'container:-v', "container:x';id", 'container:$(id)', 'container:a b']) {
      expect(() => imagePathOf(wrong, 'p'), wrong).toThrow(/field image/);
    }
    for (const wrong of ['', 'Big', 'a/b/c', 'projects/x/y', 'family/', '../x']) {
      expect(() => imagePathOf(wrong, 'p'), wrong).toThrow(/field image/);
    }
  });

  it('are the smallest that fit', () => {
    const typeOf = (cpus: number, memoryMb: number) => machineTypeOf({ machineType: null, cpus, memoryMb });
    expect(typeOf(1, 512)).toBe('e2-micro');
    expect(typeOf(1, 3000)).toBe('e2-medium');
    expect(typeOf(2, 8192)).toBe('e2-standard-2');
    expect(typeOf(3, 1000)).toBe('e2-custom-4-2048');
    expect(typeOf(1, 20_000)).toBe('e2-custom-4-20224');
    expect(() => typeOf(64, 1000)).toThrow(/machineType/);
  });
});

describe('the startup script', () => {
  const vmServerUrl = 'https://storage.example.test/vm-server.cjs';
  const scripts = (['instance', 'secret'] as const).flatMap((identity) =>
    (['chat', { port: 25_565 }, { port: null }] as const).map((app) =>
      startupScript({ cloud: GCE_SCRIPTS, vmServerUrl, identity, apiCa: 'none', app }),
    ),
  );

  it('is a shell script in every form', () => {
    for (const script of scripts) {
      expect(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' }).stderr).toBe('');
      expect(script).toContain(vmServerUrl);
    }
  });

  it('counts the connections of an app that is not ours', () => {
    expect(scripts[1]).toContain('--gce --count-port 25565 --ready-port 25565');
  });

  it('takes no address that could break out of it', () => {
    for (const url of ["https://x.test/'; rm -rf /", 'https://x.test/$(id)', 'file:///etc/passwd', '']) {
      expect(
        () => startupScript({ cloud: GCE_SCRIPTS, vmServerUrl: url, identity: 'instance', apiCa: 'none', app: 'chat' }),
        url,
      ).toThrow(/vmServerUrl/);
    }
  });
});
