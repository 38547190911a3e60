import { answered, type PutTemplate, type Vm } from '../../client/api-client.ts';
import { expectThat, placeOf, until, type Example } from '../stage.ts';

/** A form that ends in the middle of its file. */
const CUT_OFF = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nTo be, or not';
const TEXT = 'To be, or not to be,\nthat is the question.\n';

export const wordCount: Example = {
  name: 'word-count',
  about: 'A web service that counts the words of an uploaded text, in a VM that stays, with an upgrade.',
  play: async (stage) => {
    await stage.apply('examples/word-count/template.yaml');
    const serve = async (version: string): Promise<Vm> => {
      const vm = await stage.create({ name: `word-count-${version}`, template: 'word-count' });
      const { ip, port } = placeOf(vm, 'http');
      const counted = await upload(vm, new Blob([TEXT], { type: 'text/plain' }));
      const told = (await counted.json()) as { words?: number; version?: string };
      expectThat(told.words === 10 && told.version === version, `it answered ${JSON.stringify(told)}`);
      await stage.step(`version ${version} counts 10 words`, () => Promise.resolve(`open http://${ip}:${port}/count`));
      return vm;
    };
    const first = await serve('1');
    expectThat(first.stays === true, 'the VM does not say that it stays');
    await stage.step('what is no text, empty, too large or cut off is refused', async () => {
      const refused = [
        await upload(first, new Blob([new Uint8Array([0xff, 0xfe, 0x00])])),
        await upload(first, new Blob([''])),
        await upload(first, new Blob(['a'.repeat(11 * 1024 * 1024)])),
        await post(first, CUT_OFF, 'multipart/form-data; boundary=b'),
      ].map(({ status }) => status);
      expectThat(refused.join() === '415,422,413,400', `it answered ${refused.join()}`);
      return '415, 422, 413, 400';
    });
    await stage.step('a new version is put: the VM that is there stays as it is', async () => {
      const path = { name: 'word-count' };
      const { spec } = await answered(stage.api.GET('/v1/templates/{name}', { params: { path } }));
      const next = { spec: { ...spec, env: { ...spec.env, WORD_COUNT_VERSION: '2' } } } as PutTemplate;
      await answered(stage.api.PUT('/v1/templates/{name}', { params: { path }, body: next }));
      const { state, template } = await stage.get(first.name);
      expectThat(state === 'running' && template?.version === 1, `${first.name} is ${state}`);
    });
    const second = await serve('2');
    await stage.step('once the new one serves the old one is destroyed', async () => {
      const params = { path: { name: first.name }, query: { wait: 'destroyed', timeoutSeconds: 30 } } as const;
      await answered(stage.api.DELETE('/v1/vms/{name}', { params }));
      await until('the new one answers', async () => (await upload(second, new Blob([TEXT]))).ok);
    });
  },
};

function upload(vm: Vm, file: Blob): Promise<Response> {
  const form = new FormData();
  form.append('file', file, 'hamlet.txt');
  return post(vm, form);
}

function post(vm: Vm, body: FormData | string, type?: string): Promise<Response> {
  const { ip, port } = placeOf(vm, 'http');
  const headers = type === undefined ? {} : { headers: { 'content-type': type } };
  return fetch(`http://${ip}:${port}/count`, { method: 'POST', body, ...headers });
}
