import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseChallenge } from '../../../providers/qemu/image/registry/challenge.ts';
import { credentialsFor } from '../../../providers/qemu/image/registry/credentials.ts';
import { parseReference, referenceText, registryUrl } from '../../../providers/qemu/image/registry/reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('a reference of an image', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.2', 'docker.io/library/nginx:1.2'],
    ['team/app', 'docker.io/team/app:latest'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['127.0.0.1:5000/team/app:1.2', '127.0.0.1:5000/team/app:1.2'],
    ['localhost/app', 'localhost/app:latest'],
    ['[::1]:5000/app:1', '[::1]:5000/app:1'],
    ['r.example.com/a/b/c__d-e.f:V1.0_x', 'r.example.com/a/b/c__d-e.f:V1.0_x'],
    [`r.example.com/app@${DIGEST}`, `r.example.com/app@${DIGEST}`],
    [`app:1@${DIGEST}`, `docker.io/library/app:1@${DIGEST}`],
  ])('%s means %s', (text, full) => expect(referenceText(parseReference(text))).toBe(full));

  it.each([
    ...['', '/', 'app/', '/app', 'App', 'a//b', 'app:', 'app:-x', `app:${'x'.repeat(129)}`, 'a b', 'app@sha256:12'],
    ...['app@sha512:00', `app@${DIGEST}@${DIGEST}`, 'https://r.example.com/app', '../app', 'r.example.com:x/app'],
    ...['user:pw@r.example.com/app', '-r.example.com/app', 'r.example.com/app?x=1', 'x'.repeat(600)],
  ])('%j is none, and says what one looks like', (text) => {
    expect(() => parseReference(text)).toThrow(/write \[HOST\[:PORT\]\/\]REPOSITORY|more than 512/);
  });

  it('is asked for over https, but on this computer and where people say so', () => {
    const url = (text: string, plainHttp = false): string => registryUrl(parseReference(text), { plainHttp });
    expect(url('nginx')).toBe('https://registry-1.docker.io');
    expect(url('r.example.com:5000/app')).toBe('https://r.example.com:5000');
    expect(url('r.example.com:5000/app', true)).toBe('http://r.example.com:5000');
    expect(['127.0.0.1:5000/app', 'localhost:1/app', '[::1]:5000/app'].map((text) => url(text).slice(0, 7))).toEqual(
      Array(3).fill('http://'),
    );
    expect(url('127.0.0.1.example.com/app')).toContain('https://');
  });
});

describe('what a registry wants to know its users by', () => {
  it.each([
    ['Basic realm="x"', { scheme: 'basic', realm: 'x' }],
    [
      'Bearer realm="https://auth.example.com/t",service="r",scope="repository:a/b:pull,push",error="x"',
      { scheme: 'bearer', realm: 'https://auth.example.com/t', service: 'r', scope: 'repository:a/b:pull,push' },
    ],
    ['bearer realm="a\\"b" , service=r', { scheme: 'bearer', realm: 'a"b', service: 'r' }],
    ['Negotiate', undefined],
    ['', undefined],
  ])('is read from %j', (header, expected) => expect(parseChallenge(header)).toEqual(expected));
});

describe('the login for a registry', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'eph-docker-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));
  const auth = Buffer.from('ann:p:w').toString('base64');
  const ofDocker = (config: unknown): void => writeFileSync(join(home, 'config.json'), JSON.stringify(config));
  const found = (registry: string, env: Record<string, string> = {}) =>
    credentialsFor(registry, { DOCKER_CONFIG: home, ...env });

  it('is that of the environment, before that of docker', async () => {
    ofDocker({ auths: { 'r.example.com': { auth } } });
    expect(await found('r.example.com')).toEqual({ user: 'ann', password: 'p:w' });
    const env = { EPHEMERA_REGISTRY_USER: 'bob', EPHEMERA_REGISTRY_PASSWORD: 'x' };
    expect(await found('r.example.com', env)).toEqual({ user: 'bob', password: 'x' });
    await expect(found('r.example.com', { EPHEMERA_REGISTRY_USER: 'bob' })).rejects.toThrow('set both');
  });

  it('is of that registry alone', async () => {
    ofDocker({ auths: { 'r.example.com': { auth }, 'https://index.docker.io/v1/': { username: 'd', password: 'e' } } });
    expect(await found('r.example.com:5000')).toBeUndefined();
    expect(await found('docker.io')).toEqual({ user: 'd', password: 'e' });
    rmSync(join(home, 'config.json'));
    expect(await found('docker.io')).toBeUndefined();
  });

  it('is asked of no program, and what a damaged file holds is told nobody', async () => {
    ofDocker({ auths: { 'r.example.com': {} }, credsStore: 'desktop' });
    await expect(found('r.example.com')).rejects.toThrow('EPHEMERA_REGISTRY_PASSWORD');
    expect(await found('other.example.com')).toBeUndefined();
    writeFileSync(join(home, 'config.json'), '{"auths": "hunter2');
    await expect(found('r.example.com')).rejects.toThrow('is no configuration of docker');
    await expect(found('r.example.com')).rejects.not.toThrow('hunter2');
  });
});
