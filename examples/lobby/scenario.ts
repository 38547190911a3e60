import { expectThat, type Example } from '../stage.ts';

const NAME = 'example-lobby';

export const lobby: Example = {
  name: 'lobby',
  about: 'Get or create one VM by its name, in ten lines of Node and in ten lines of Python.',
  play: async (stage) => {
    stage.owns(NAME);
    let made = '';
    await stage.step('examples/lobby/lobby.mjs', async () => {
      made = (await stage.run(process.execPath, ['examples/lobby/lobby.mjs', NAME])).trim();
      expectThat(made.startsWith('made http://'), `it printed: ${made}`);
      return made;
    });
    await stage.step('examples/lobby/lobby.py gets the same one', async () => {
      const found = (await stage.run('python3', ['examples/lobby/lobby.py', NAME])).trim();
      expectThat(found === made.replace('made', 'there already'), `it printed: ${found}`);
      return found;
    });
  },
};
