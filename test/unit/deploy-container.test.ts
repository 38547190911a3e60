/** What deploy/ says of containers fits together, and fits the programs. test/e2e/package.test.ts starts what compose starts. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '../../config/settings.ts';
import { loadSettings } from '../../config/load-settings.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  networks?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  restart?: string;
}
interface Compose {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
  networks: Record<string, unknown>;
  volumes: Record<string, unknown>;
}

const compose = parse(read('deploy/compose.yaml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const defaults = loadSettings({ argv: [], env: {}, cwd: ROOT });

describe('deploy/compose.yaml', () => {
  it('declares what its services use, and nothing else', () => {
    const used = (of: (service: Service) => string[]) => [...new Set(services.flatMap(([, one]) => of(one)))].sort();
    expect(used(({ secrets = [] }) => secrets)).toEqual(Object.keys(compose.secrets).sort());
    expect(used(({ networks = [] }) => networks)).toEqual(Object.keys(compose.networks).sort());
    expect(used(({ volumes = [] }) => volumes.map((one) => one.split(':')[0] ?? ''))).toEqual(
      Object.keys(compose.volumes).sort(),
    );
    for (const [name, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect([name, other, condition]).toEqual([name, other, 'service_healthy']);
        expect(compose.services[other]?.healthcheck, other).toBeDefined();
      }
    }
  });

  it('pins what it takes from elsewhere, and restarts and looks after each', () => {
    for (const [name, service] of services) {
      if (service.image !== 'ephemera')
        expect([name, service.image]).toEqual([name, expect.stringMatching(/:\d+\.\d+/)]);
      expect([name, service.restart, service.healthcheck === undefined]).toEqual([name, 'unless-stopped', false]);
    }
  });

  it('has no secret in it, and shows nothing to other computers', () => {
    for (const [name, { environment = {}, ports = [] }] of services) {
      const secret = Object.keys(environment).filter((key) => /PASSWORD|SECRET|KEY$|TOKEN|PWD/.test(key));
      expect([name, secret]).toEqual([name, secret.filter((key) => key.endsWith('_FILE'))]);
      for (const path of secret) expect(environment[path]).toMatch(/^\/run\/secrets\//);
      for (const port of ports) expect([name, port]).toEqual([name, expect.stringMatching(/^127\.0\.0\.1:/)]);
    }
  });

  it('sets settings that there are, and asks at the ports that they have', () => {
    const known = new Set<string>(SETTINGS.map(({ env }) => env));
    for (const name of ['api', 'worker']) {
      const { environment = {}, healthcheck } = compose.services[name]!;
      for (const key of Object.keys(environment))
        expect([key, known.has(key.replace(/_FILE$/, ''))]).toEqual([key, true]);
      const port = name === 'api' ? defaults.api.port : defaults.metrics.workerPort;
      expect(healthcheck?.test.at(-1)).toContain(`http://127.0.0.1:${port}/`);
    }
    const { build } = compose.services['worker']!;
    expect(existsSync(join(ROOT, 'deploy', build!.context, build!.dockerfile))).toBe(true);
  });
});

describe('deploy/container/Dockerfile', () => {
  const lines = read('deploy/container/Dockerfile').replaceAll('\\\n', ' ').split('\n');
  const all = (instruction: string) =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));

  it('pins its base, and runs as nobody special', () => {
    for (const from of all('FROM')) expect(from).toMatch(/^node:\d+-bookworm-slim/);
    expect(lines.indexOf('USER node')).toBeGreaterThan(lines.findLastIndex((line) => line.startsWith('COPY')));
  });

  it('copies and starts files that are in the checkout or in the package', () => {
    const copied = all('COPY')
      .filter((text) => text.includes('/build/'))
      .map((text) => text.split(' ')[1] ?? '');
    expect(copied).toEqual(['/build/dist/package', '/build/deploy/container/run.mjs']);
    const ignored = read('deploy/container/Dockerfile.dockerignore').split('\n').filter(Boolean);
    for (const needed of ['deploy/container', 'deploy/image', 'dev', 'web', 'LICENSE', 'package-lock.json', '.npmrc']) {
      expect([needed, existsSync(join(ROOT, needed)), ignored.includes(needed)]).toEqual([needed, true, false]);
    }
    const [entry = ''] = all('ENTRYPOINT');
    const program = (JSON.parse(entry) as string[]).at(-1) ?? '';
    expect(statSync(join(ROOT, program.replace('/opt/ephemera/', ''))).isFile()).toBe(true);
  });
});
