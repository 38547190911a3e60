/** `ephemera completion SHELL`: what a shell needs to complete command lines, and the words themselves. */
import type { Command } from 'commander';
import { command, type Cli } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { print } from '../output/print.ts';
import { candidates } from './candidates.ts';
import { SHELL_SCRIPTS } from './shell-scripts.ts';

export function completionCommand(cli: Cli, programOf: () => Command): Command {
  return command('completion', 'Prints what a shell needs to complete command lines, names of VMs too.', [
    ['source <(ephemera completion bash)', 'in ~/.bashrc'],
    ['ephemera completion zsh > "${fpath[1]}/_ephemera"', 'once, for zsh'],
    ['ephemera completion fish > ~/.config/fish/completions/ephemera.fish', 'once, for fish'],
  ])
    .passThroughOptions()
    .argument('<shell>', 'bash, zsh or fish')
    .argument('[words...]', 'for the scripts: what was typed; prints what may follow')
    .action(async (shell: string, words: string[]) => {
      const script = Object.hasOwn(SHELL_SCRIPTS, shell)
        ? SHELL_SCRIPTS[shell as keyof typeof SHELL_SCRIPTS]
        : undefined;
      if (script === undefined)
        throw usageError(`there is a completion for ${Object.keys(SHELL_SCRIPTS).join(', ')}, not for ${shell}`);
      if (words[0] !== '--words') {
        print(script);
        return;
      }
      const found = await candidates(programOf(), words.slice(1), cli);
      const isPlain = shell === 'bash';
      print(found.map(({ word, about }) => (isPlain || about === '' ? word : `${word}\t${about}`)).join('\n'));
    });
}
