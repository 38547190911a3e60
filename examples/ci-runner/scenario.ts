import { answered, type Vm } from '../../client/api-client.ts';
import { expectThat, until, type Example } from '../stage.ts';

export const ciRunner: Example = {
  name: 'ci-runner',
  about: 'A CI job in a VM of its own, which is held while the job works and ends by itself afterwards.',
  play: async (stage) => {
    await stage.apply('examples/ci-runner/template.yaml');
    const runners = async (): Promise<Vm[]> => {
      const { vms } = await answered(stage.api.GET('/v1/vms', { params: { query: { template: 'ci-runner' } } }));
      return vms.filter(({ state }) => state !== 'destroyed' && state !== 'failed');
    };
    const before = new Set((await runners()).map(({ name }) => name));
    let output = '';
    let name = '';
    let wasHeld = false;
    await stage.step('the job runs in a VM that is held', async () => {
      const job = stage.run(process.execPath, ['examples/ci-runner/run-job.mjs', 'examples/ci-runner/job.sh']);
      let isOver = false;
      void job.catch(() => undefined).finally(() => (isOver = true));
      await until(
        'the job is over',
        async () => {
          const mine = (await runners()).find((vm) => !before.has(vm.name));
          if (mine !== undefined) {
            name = mine.name;
            stage.owns(name);
            wasHeld ||= mine.holdUntil !== undefined && mine.connections === 1;
          }
          return isOver;
        },
        60,
      );
      output = await job;
      expectThat(output.includes('package: fine'), `the job printed: ${output}`);
      expectThat(wasHeld, `${name} was not held and used while the job worked`);
      return `${name}, with 1 connection and a hold`;
    });
    await stage.step('then nothing holds it, and it ends by itself', async () => {
      const vm = await stage.see(name, 'destroyed', ({ state }) => state === 'destroyed', 30);
      expectThat(vm.reason === 'idle', `it ended because of ${vm.reason ?? '?'}`);
      return `reason ${vm.reason ?? '?'}`;
    });
  },
};
