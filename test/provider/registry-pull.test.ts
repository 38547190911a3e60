/** Pulls from the real registry program, as nobody, by password and by token; and from one in front of which things go wrong. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { addImage } from '../../providers/qemu/image/add-image.ts';
import { pullImage, type PulledImage, type PullInput } from '../../providers/qemu/image/registry/pull-image.ts';
import { layerOf } from '../../test-support/machines/container-archive.ts';
import {
  USER,
  digestOf,
  pushImage,
  startFront,
  startRegistry,
  tokenFor,
  whyNoRegistry,
  type Fault,
  type Front,
  type TestRegistry,
} from '../../test-support/registry/docker-registry.ts';

const LAYERS = [randomBytes(300_000), randomBytes(70_000)] as const;
const LOGIN = { EPHEMERA_REGISTRY_USER: USER.user, EPHEMERA_REGISTRY_PASSWORD: USER.password };
const PATIENCE = { tries: 4, stallMs: 30_000, firstPauseMs: 5 };
/** For what stalls; a computer that is busy may itself be so slow now and then. */
const IMPATIENT = { tries: 8, stallMs: 1000, firstPauseMs: 5 };

/** A fault that does so with each answer. */
function by(act: (response: ServerResponse) => unknown): Fault {
  return (_request, response) => {
    act(response);
    return 'answered';
  };
}

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'eph-pull-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function pull(reference: string, more: Partial<PullInput> = {}): Promise<PulledImage> {
  const layoutDir = join(directory, 'layout');
  await rm(layoutDir, { recursive: true, force: true });
  await mkdir(layoutDir);
  const env = { DOCKER_CONFIG: join(directory, 'no-login') };
  const usual = { layoutDir, env, plainHttp: false, limitBytes: 1_000_000, patience: PATIENCE };
  return pullImage({ reference, ...usual, signal: new AbortController().signal, ...more });
}

/** The parts that are in the layout, by their digests; every one is what its name says. */
async function partsOfLayout(): Promise<string[]> {
  const blobs = join(directory, 'layout', 'blobs', 'sha256');
  const names = await readdir(blobs);
  for (const name of names) expect(digestOf(await readFile(join(blobs, name)))).toBe(`sha256:${name}`);
  return names.map((name) => `sha256:${name}`);
}

async function refusal(work: Promise<unknown>, code: string): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderError);
  expect(error).toMatchObject({ code });
  expect(await readFile(join(directory, 'layout', 'oci-layout'), 'utf8').catch(() => 'none')).toBe('none');
  const text = JSON.stringify([(error as Error).message, String((error as Error).cause)]);
  expect(text).not.toContain(USER.password);
  return (error as Error).message;
}

describe.skipIf(whyNoRegistry())('a registry that knows its users by password', () => {
  let registry: TestRegistry;
  let digest: string;
  beforeAll(async () => {
    registry = await startRegistry({ kind: 'basic' });
    digest = await pushImage(registry, '1.2', { layers: LAYERS });
  });
  afterAll(() => registry.stop());

  it('gives an image by its tag and by its digest, whole, and shows how far it is', async () => {
    const steps: number[][] = [];
    const env = LOGIN;
    const onProgress = (received: number, total: number): void => void steps.push([received, total]);
    const pulled = await pull(`${registry.host}/team/app:1.2`, { env, onProgress });
    expect(pulled).toMatchObject({ digest, reference: `${registry.host}/team/app:1.2` });
    expect(await partsOfLayout()).toEqual(expect.arrayContaining([digest, ...LAYERS.map(digestOf)]));
    expect(steps.at(-1)).toEqual([pulled.bytes, pulled.bytes]);
    const index = JSON.parse(await readFile(join(directory, 'layout', 'index.json'), 'utf8')) as object;
    expect(index).toMatchObject({ manifests: [{ digest }] });
    expect(await pull(`${registry.host}/team/app@${digest}`, { env })).toMatchObject({ digest });
  });

  it('becomes an image of the deployment, which says by what digest it was pulled, and leaves nothing else', async () => {
    const layer = layerOf([{ name: 'app', content: '#!/bin/true', mode: 0o755 }]);
    const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] };
    const config = { architecture: 'amd64', os: 'linux', config: { Cmd: ['/app'] }, rootfs };
    const image = { config: Buffer.from(JSON.stringify(config)), layers: [gzipSync(layer)] };
    const pushed = await pushImage(registry, 'real', image);
    const reference = `${registry.host}/team/app:real`;
    const added = await addImage(directory, 'app', reference, { env: LOGIN });
    expect(added).toMatchObject({ kind: 'container', origin: 'registered', name: 'app' });
    expect(added.manifest.container).toMatchObject({ reference: `${reference}@${pushed}` });
    expect(await readdir(directory)).toEqual([`app.${added.version}`]);
    await expect(addImage(directory, 'app', `${registry.host}/team/app:none`, { env: LOGIN })).rejects.toThrow(
      'has no',
    );
    await expect(addImage(directory, 'app', './none.tar', {})).rejects.toThrow('is not there');
    expect(await readdir(directory)).toEqual([`app.${added.version}`]);
  });

  it('takes the login that docker login wrote', async () => {
    const auth = Buffer.from(`${USER.user}:${USER.password}`).toString('base64');
    await writeFile(join(directory, 'config.json'), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    expect(await pull(`${registry.host}/team/app:1.2`, { env: { DOCKER_CONFIG: directory } })).toMatchObject({
      digest,
    });
  });

  it('refuses strangers and wrong passwords, and says what to do', async () => {
    expect(await refusal(pull(`${registry.host}/team/app:1.2`), 'permissionDenied')).toContain('docker login');
    const env = { ...LOGIN, EPHEMERA_REGISTRY_PASSWORD: 'another one' };
    expect(await refusal(pull(`${registry.host}/team/app:1.2`, { env }), 'permissionDenied')).toContain('as ann');
  });

  it('says of a tag, a digest or a repository that it does not have it', async () => {
    const names = ['team/app:none', `team/app@sha256:${'0'.repeat(64)}`, 'team/none:1'];
    for (const name of names) await refusal(pull(`${registry.host}/${name}`, { env: LOGIN }), 'imageUnknown');
  });

  it('gives nothing that is larger than may be fetched', async () => {
    const small = { env: LOGIN, limitBytes: 100_000 };
    expect(await refusal(pull(`${registry.host}/team/app:1.2`, small), 'imageRefused')).toContain('at most 100000');
    expect(await readdir(join(directory, 'layout'))).toEqual([]);
  });

  it('gives the image for this kind of computer out of a list, and refuses a list without one', async () => {
    const [here, there] = [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 's390x' },
    ];
    const image = { layers: [randomBytes(10)] };
    const list = await pushImage(registry, 'list', image, [there, here]);
    const pulled = await pull(`${registry.host}/team/app:list`, { env: LOGIN });
    expect(pulled.digest).not.toBe(list);
    expect(await partsOfLayout()).toEqual(expect.arrayContaining([pulled.digest, digestOf(image.layers[0]!)]));
    expect(await pull(`${registry.host}/team/app@${list}`, { env: LOGIN })).toMatchObject({ digest: pulled.digest });
    await pushImage(registry, 'foreign', image, [there]);
    const why = await refusal(pull(`${registry.host}/team/app:foreign`, { env: LOGIN }), 'imageRefused');
    expect(why).toContain('is for linux/s390x');
  });
});

describe.skipIf(whyNoRegistry())('a registry that knows its users by token', () => {
  let registry: TestRegistry;
  let front: Front;
  beforeAll(async () => {
    front = await startFront(() => registry);
    registry = await startRegistry({ kind: 'token', realm: `http://${front.host}/token` });
    front.fault = ({ url = '', headers }, response) => {
      if (!url.startsWith('/token')) return undefined;
      const basic = `Basic ${Buffer.from(`${USER.user}:${USER.password}`).toString('base64')}`;
      if (headers.authorization !== basic) response.writeHead(401).end();
      else response.end(JSON.stringify({ token: tokenFor(registry) }));
      return 'answered';
    };
    await pushImage(registry, '1', { layers: LAYERS });
  });
  afterAll(async () => {
    await registry.stop();
    await front.stop();
  });

  it('gives an image for a token that is fetched with the login, and shown to the registry alone', async () => {
    await pull(`${registry.host}/team/app:1`, { env: LOGIN });
    expect(await partsOfLayout()).toEqual(expect.arrayContaining(LAYERS.map(digestOf)));
    const asked = front.requests.filter(({ path }) => path.startsWith('/token'));
    expect(asked).toHaveLength(1);
    expect(asked[0]!.path).toContain(`scope=${encodeURIComponent('repository:team/app:pull')}`);
    expect(await refusal(pull(`${registry.host}/team/app:1`), 'permissionDenied')).toContain('check the login');
  });
});

describe.skipIf(whyNoRegistry())('a registry in trouble', () => {
  let registry: TestRegistry;
  let front: Front;
  let reference: string;
  beforeAll(async () => {
    registry = await startRegistry({ kind: 'basic' });
    front = await startFront(() => registry);
    reference = `${front.host}/team/app:1`;
    await pushImage(registry, '1', { layers: LAYERS });
  });
  beforeEach(() => {
    front.requests = [];
    front.fault = () => undefined;
  });
  afterAll(async () => {
    await front.stop();
    await registry.stop();
  });
  const blob = `/v2/team/app/blobs/${digestOf(LAYERS[0])}`;
  /** Answers the first `times` requests for the first layer. */
  const wrong = (times: number, answer: Fault): void => {
    let left = times;
    front.fault = (request, response) => {
      // Not before it has said who it is.
      const isAsked = request.url === blob && request.headers.authorization !== undefined;
      return isAsked && left-- > 0 ? answer(request, response) : undefined;
    };
  };
  const [STALLS, SILENT] = ['stalls in the middle', 'answers nothing'] as const;
  const answers: Record<string, Fault> = {
    'is busy': by((response) => response.writeHead(503).end()),
    'wants patience': by((response) => response.writeHead(429, { 'retry-after': '0' }).end()),
    'hangs up': by((response) => response.destroy()),
    'sends too little': by((response) => {
      response.writeHead(200, { 'content-length': LAYERS[0].length }).write(LAYERS[0].subarray(0, 1000));
      setTimeout(() => response.destroy(), 20);
    }),
    'ends too early': by((response) => response.writeHead(200).end(LAYERS[0].subarray(0, 1000))),
    [STALLS]: by((response) =>
      response.writeHead(200, { 'content-length': LAYERS[0].length }).write(LAYERS[0].subarray(0, 1000)),
    ),
    [SILENT]: () => 'answered',
  };

  it.each(Object.entries(answers))('that %s for a while is asked again, and gives the image', async (what, answer) => {
    const stalls = what === STALLS || what === SILENT;
    wrong(stalls ? 1 : 2, answer);
    await pull(reference, { env: LOGIN, patience: stalls ? IMPATIENT : PATIENCE });
    expect(await partsOfLayout()).toEqual(expect.arrayContaining(LAYERS.map(digestOf)));
  });

  it('that does not recover is given up, and the message says what it did', async () => {
    wrong(100, answers['is busy']!);
    expect(await refusal(pull(reference, { env: LOGIN }), 'backendUnavailable')).toContain('answers 503 (4 tries)');
    wrong(100, answers[STALLS]!);
    const patience = { ...IMPATIENT, tries: 2 };
    expect(await refusal(pull(reference, { env: LOGIN, patience }), 'backendUnavailable')).toContain('(2 tries)');
  });

  it('that sends another content than its digest says, or more of it, is believed nothing', async () => {
    const flipped = LAYERS[0].map((byte) => byte ^ 1);
    wrong(
      100,
      by((response) => response.writeHead(200).end(flipped)),
    );
    expect(await refusal(pull(reference, { env: LOGIN }), 'imageDamaged')).toContain('has the digest');
    wrong(
      100,
      by((response) => response.writeHead(200).end(Buffer.concat(LAYERS))),
    );
    expect(await refusal(pull(reference, { env: LOGIN }), 'imageDamaged')).toContain('more than its');
    const digest = await pushImage(registry, 'pinned', { layers: [randomBytes(9)] });
    front.fault = ({ url = '', headers }, response) => {
      if (!url.includes('/manifests/') || headers.authorization === undefined) return undefined;
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }).end('{}');
      return 'answered';
    };
    expect(await refusal(pull(`${front.host}/team/app@${digest}`, { env: LOGIN }), 'imageDamaged')).toContain(
      'not sha256:',
    );
  });

  it('whose tag moves meanwhile gives the one image or the other, never parts of both', async () => {
    const [before, after] = [randomBytes(5000), randomBytes(6000)];
    const first = await pushImage(registry, 'moving', { layers: [before] }, [{ os: 'linux', architecture: 'amd64' }]);
    let moved: Promise<string> | undefined;
    front.fault = ({ url = '' }) => {
      if (url.includes('/blobs/')) moved ??= pushImage(registry, 'moving', { layers: [after] });
      return undefined;
    };
    await pull(`${front.host}/team/app:moving`, { env: LOGIN });
    const parts = await partsOfLayout();
    expect(parts).toContain(digestOf(before));
    expect(parts).not.toContain(digestOf(after));
    expect(await moved).not.toBe(first);
  });

  it('that sends people on to another host for its layers shows that host no login', async () => {
    const store = await startFront(() => registry);
    store.fault = by((response) => response.end(LAYERS[0]));
    wrong(
      100,
      by((response) => response.writeHead(307, { location: `http://${store.host}/anywhere` }).end()),
    );
    await pull(reference, { env: LOGIN });
    expect(store.requests).toEqual([{ path: '/anywhere', authorization: undefined }]);
    await store.stop();
  });

  it('that sends people on to another host which asks for a login does not get them to show it there', async () => {
    const store = await startFront(() => registry);
    for (const scheme of [`Bearer realm="http://${store.host}/token"`, 'Basic realm="store"']) {
      store.fault = by((response) => response.writeHead(401, { 'www-authenticate': scheme }).end());
      wrong(
        100,
        by((response) => response.writeHead(307, { location: `http://${store.host}/anywhere` }).end()),
      );
      await refusal(pull(reference, { env: LOGIN }), 'permissionDenied');
    }
    expect(store.requests.filter(({ path, authorization }) => path !== '/anywhere' || authorization)).toEqual([]);
    await store.stop();
  });

  it.each([
    ['to a host in clear', 'http://blobs.example.com/x', 'which is not https'],
    ['in circles', blob, 'redirects more than'],
  ])('that sends people %s is refused', async (_where, location, why) => {
    wrong(
      100,
      by((response) => response.writeHead(302, { location }).end()),
    );
    expect(await refusal(pull(reference, { env: LOGIN }), 'imageRefused')).toContain(why);
  });

  it('is left alone at once when whoever asked gives up', async () => {
    wrong(100, answers[SILENT]!);
    const stop = new AbortController();
    const pulling = pull(reference, { env: LOGIN, signal: stop.signal, patience: { ...PATIENCE, stallMs: 60_000 } });
    setTimeout(() => stop.abort(new Error('given up')), 100);
    await expect(pulling).rejects.toThrow('given up');
  });
});
