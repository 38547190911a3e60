import { randomUUID } from 'node:crypto';
import type { CreateVm, Vm } from '../../client/api-client.ts';
import { expectThat, placeOf, type Example } from '../stage.ts';

const NAME = 'sandbox-ada';
const TEXT = 'what Ada wrote today\n';

export const devSandbox: Example = {
  name: 'dev-sandbox',
  about: 'A sandbox that becomes an image when nobody is in it, and reopens with its files.',
  play: async (stage) => {
    await stage.apply('examples/dev-sandbox/template.yaml');
    const password = randomUUID();
    const secretEnv = { SANDBOX_PASSWORD: password };
    // A night that begins three seconds after the last request, so that it can be waited for.
    const env = { SANDBOX_PRESENCE_SECONDS: '1' };
    const idle = { timeoutSeconds: 2, action: 'close' } as const;
    const sandbox: CreateVm = { name: NAME, template: 'dev-sandbox', env, secretEnv, idle };
    const file = async (vm: Vm, method: 'GET' | 'PUT', body?: string): Promise<Response> => {
      const { ip, port } = placeOf(vm, 'http');
      const authorization = `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
      const url = `http://${ip}:${port}/files/today.txt`;
      return fetch(url, {
        method,
        headers: { authorization },
        ...(body === undefined ? {} : { body }),
      });
    };
    let first: Vm | undefined;
    await stage.step('Ada writes a file in her sandbox', async () => {
      first = await stage.create({ ...sandbox, fresh: true });
      const { status } = await file(first, 'PUT', TEXT);
      expectThat(status === 200, `the sandbox answered ${status}`);
      return `${NAME} at ${first.address?.ip ?? '?'}`;
    });
    await stage.step('nobody is there: the sandbox becomes an image, its machine goes', async () => {
      const vm = await stage.see(NAME, 'closed', ({ state }) => state === 'destroyed', 60);
      expectThat(vm.reason === 'closed', `it ended because of ${vm.reason ?? '?'}`);
      return `reason ${vm.reason ?? '?'}`;
    });
    await stage.step('the next morning a create of its name has the file', async () => {
      const vm = await stage.create({ ...sandbox, idle: { timeoutSeconds: 1800, action: 'close' } });
      expectThat(vm.startedFrom === 'image', `it was started from ${vm.startedFrom ?? '?'}`);
      expectThat(vm.machineId !== first?.machineId, 'it is the same machine');
      const text = await (await file(vm, 'GET')).text();
      expectThat(text === TEXT, `the file says: ${text}`);
      return `another machine, started from the image, with the same file`;
    });
  },
};
