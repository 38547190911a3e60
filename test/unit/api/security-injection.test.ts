/** Hostile text in settings files, on QEMU's command line and in what the Temporal Web UI shows. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bearerToken } from '../../../api/http/authenticate.ts';
import { createVmSchema } from '../../../api/schemas/spec.ts';
import { listQuerySchema } from '../../../api/schemas/requests.ts';
import { loadSettings, SettingsError } from '../../../config/load-settings.ts';
import { currentDetails } from '../../../domain/vm/current-details.ts';
import { machineLabels } from '../../../domain/machine/owner.ts';
import { chatTemplateSpec } from '../../../test-support/vm/chat-spec.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';
import { newVm } from '../../../domain/vm/state.ts';
import { qemuArguments } from '../../../providers/qemu/machine/command-line.ts';
import { EMULATION, type QemuManifest } from '../../../providers/qemu/machine/machine-manifest.ts';
import { checkRequest } from '../../../providers/qemu/spec-check.ts';

describe('a settings file', () => {
  let cwd: string;
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'ephemera-yaml-'));
  });
  afterEach(() => rmSync(cwd, { recursive: true }));

  function mistakes(yaml: string): readonly string[] {
    writeFileSync(join(cwd, 'ephemera.yaml'), yaml);
    try {
      loadSettings({ argv: [], env: {}, cwd });
      return [];
    } catch (error) {
      if (error instanceof SettingsError) return error.mistakes;
      throw error;
    }
  }

  it('with a bomb of anchors is refused soon', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const before = level === 0 ? 'x' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array.from({ length: 10 }, () => before).join(', ')}]`;
    });
    const startedAt = performance.now();
    expect(mistakes(levels.join('\n')).length).toBeGreaterThan(0);
    expect(mistakes(`apiHost: ${'['.repeat(50_000)}`).length).toBeGreaterThan(0);
    expect(mistakes(`apiHost: ${'{a: '.repeat(20_000)}`).length).toBeGreaterThan(0);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  it('with tags makes and runs nothing of them', () => {
    Reflect.deleteProperty(globalThis, 'ranFromYaml');
    for (const yaml of [
      "apiPort: !!js/function 'function () { globalThis.ranFromYaml = 1 }'",
      "apiPort: !!js/eval 'globalThis.ranFromYaml = 1'",
      "apiPort: !!python/object/apply:os.system ['id']",
      'apiPort: !!binary aGVsbG8=',
      'apiPort: !!set {a, b}',
      'apiPort: !include /etc/passwd',
      'apiPort: !!map {a: 1}',
    ]) {
      const found = mistakes(yaml);
      expect([yaml, found.length, found.join().includes('root:')]).toEqual([yaml, 1, false]);
    }
    expect(Reflect.get(globalThis, 'ranFromYaml')).toBeUndefined();
  });

  it('reaches no prototype, and merges nothing in', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', '<<', 'toString']) {
      expect(mistakes(`${key}: {apiPort: 1}`)).toHaveLength(1);
    }
    expect(mistakes('base: &b {apiPort: 1}\n<<: *b').length).toBeGreaterThan(0);
    expect(({} as Record<string, unknown>)['apiPort']).toBeUndefined();
  });
});

const spec: VmSpec = chatTemplateSpec('qemu');
const HOSTILE = [
  'x,script=/tmp/evil',
  'x -monitor stdio',
  '-monitor',
  'x\nhostfwd_add tcp::22-:22',
  "x';id;'",
  '$(id)',
  'x,,y',
  '../../etc/passwd',
];

describe('a field that is slow to match', () => {
  it('is checked soon, whatever repeats in it', () => {
    const startedAt = performance.now();
    for (const part of ['a', 'a-', '-', '.', 'a.', '0', 'A_', '/', 'a=', ' ', '\n']) {
      const long = `${part.repeat(Math.floor(100_000 / part.length))}!`;
      for (const field of [
        { name: long },
        { template: long, provider: long, zones: [long] },
        { image: long },
        { labels: { [long]: 'x', a: long } },
        { env: { [long]: 'x' } },
        { ports: [{ name: long, port: 1 }] },
        { readiness: { path: `/${long}\n` } },
        { network: long, machineType: long },
      ]) {
        expect(createVmSchema.safeParse({ template: 'chat', ...field }).success).toBe(false);
      }
      for (const query of [{ label: [long] }, { pageToken: long }, { template: long }, { state: [long] }]) {
        expect(listQuerySchema.safeParse(query).success).toBe(false);
      }
      expect(bearerToken(`Bearer ${long} ${long}`)).toBeUndefined();
      expect(bearerToken(`Bearer${' '.repeat(100_000)}`)).toBeUndefined();
    }
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});

describe("QEMU's command line", () => {
  const manifest: QemuManifest = {
    labels: machineLabels({ deployment: 'test', machineId: 'm-1', owner: 'vm/default/lobby' }),
    ...{ createdAt: 0, host: 'h', ports: spec.ports, cpus: 1, memoryMb: 512, disk: null, accelerator: EMULATION },
  };
  const build = (changes: Partial<QemuManifest>, dir = '/state/m-1') =>
    qemuArguments({
      ...{ dir, manifest: { ...manifest, ...changes }, asRoot: false },
      image: { kernel: '/image/kernel', initrd: '/image/initrd' } as Parameters<typeof qemuArguments>[0]['image'],
      hypervisor: { hasRunWith: true } as Parameters<typeof qemuArguments>[0]['hypervisor'],
    });

  it('has nothing of what a caller names: VM, project, labels, ports', () => {
    for (const text of HOSTILE) {
      const labels = { ...manifest.labels, owner: text, project: text, vm: text, deployment: text };
      const ports = [{ name: text, port: 8080, protocol: 'tcp' as const }];
      expect(build({ labels, ports, host: text })).toEqual(build({}));
    }
  });

  it('keeps a path one value, whatever directory was chosen', () => {
    const odd = build({}, '/state,script=evil/m-1');
    for (const argument of odd.filter((text) => text.includes('script=evil'))) {
      expect(argument.replaceAll(',,', '')).not.toContain(',script');
    }
    expect(odd).toHaveLength(build({}).length);
  });

  it('lets a guest without KVM take its clock from the HPET, and measure no timer at boot', () => {
    const kernelArgumentsOf = (changes: Partial<QemuManifest>): string[] => {
      const built = build(changes);
      return built[built.indexOf('-append') + 1]!.split(' ');
    };
    const unmeasured = ['no_timer_check', 'tsc=unstable', expect.stringMatching(/^tsc_early_khz=\d+$/)];
    expect(kernelArgumentsOf({})).toEqual(expect.arrayContaining(unmeasured));
    const withKvm = kernelArgumentsOf({ accelerator: { kind: 'kvm', machine: 'q35' } });
    expect(withKvm.filter((argument) => /timer|tsc/.test(argument))).toEqual([]);
  });

  it('is never made for a machine id, image, port or number that is none', () => {
    const request = { machineId: 'm-1', spec } as unknown as Parameters<typeof checkRequest>[0];
    const refused = (changes: object) => expect(() => checkRequest({ ...request, ...changes })).toThrow();
    for (const text of HOSTILE) {
      refused({ machineId: text });
      refused({ spec: { ...spec, cpus: text } });
      refused({ spec: { ...spec, memoryMb: text } });
      refused({ spec: { ...spec, diskGb: text } });
      refused({ spec: { ...spec, ports: [{ name: 'a', port: text, protocol: 'tcp' }] } });
      refused({ spec: { ...spec, ports: [{ name: 'a', port: 8080, protocol: text }] } });
    }
    expect(() => checkRequest(request)).not.toThrow();
  });
});

describe('what the Temporal Web UI shows', () => {
  it('has no markup of what a machine or a provider said', () => {
    const vm = newVm({ ...{ project: 'default', name: 'lobby', uid: 'u', machineId: 'm-1', at: 0 }, spec });
    const said =
      '# Pay\n\n[here](https://evil.test) <img src=x onerror=alert(1)> **now** `x` ![i](http://evil.test/i)\n- row';
    const entry = { number: 1, at: 0, kind: 'state', state: 'failed', detail: said } as const;
    const details = currentDetails({ ...vm, timeline: [entry] }, 0);
    const line = details.split('\n').filter((text) => text.includes('Pay'));
    expect(line).toHaveLength(1);
    expect(line[0]).toContain('\\[here\\](https');
    expect(line[0]).toContain('\\<img');
    expect(line[0]?.replaceAll(/\\./g, '')).not.toMatch(/[<>`[\]]/);
  });
});
