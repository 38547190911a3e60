import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { expect, it } from 'vitest';
import { openStream } from '../../../api/streams/open-stream.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('a stream to a machine whose agent is not connected is refused in its time, whatever is collected meanwhile', async () => {
  let looks = 0;
  const connectTo = (): Promise<undefined> => {
    looks += 1;
    collectGarbage();
    return Promise.resolve(undefined);
  };
  const api = { replicas: { connectTo }, log: { warn: () => undefined } } as unknown as Parameters<
    typeof openStream
  >[0];
  const vm = { view: { machineId: 'm-1', name: 'lobby', spec: {} }, workflowId: 'vm/default/lobby' };
  const opened = openStream(api, vm as Parameters<typeof openStream>[1], {} as never, new AbortController().signal);
  await expect(opened).rejects.toMatchObject({ code: 'streamLost' });
  expect(looks).toBeGreaterThan(5);
}, 15_000);
