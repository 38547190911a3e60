/** The whole command line, as a tree of commands; docs/cli.md and the completion are read from it. */
import { Command } from 'commander';
import { execCommand, shellCommand } from './access/exec-commands.ts';
import { cpCommand } from './access/cp-command.ts';
import { forwardCommand } from './access/forward-command.ts';
import { completionCommand } from './completion/completion-command.ts';
import { command, type Cli } from './context.ts';
import { loginCommands } from './deployment/login-commands.ts';
import { openCommand } from './deployment/open-command.ts';
import { eventsCommand } from './resources/events-command.ts';
import { keysCommand } from './resources/keys-command.ts';
import { webhooksCommand } from './resources/webhooks-command.ts';
import { resourceCommands } from './resources/resource-commands.ts';
import { actionCommands } from './vms/action-commands.ts';
import { createCommand } from './vms/create-command.ts';
import { consoleCommand, getCommand, lsCommand, timelineCommand } from './vms/read-commands.ts';

const ABOUT = 'Gives every session its own virtual machine, and takes it away when nobody uses it any more.';

/** Commands by what they are for, in the order of the help. */
export const GROUPS = {
  vms: 'VMs:',
  access: 'Into a VM:',
  resources: 'What VMs are made of and run on:',
  deployment: 'Deployments:',
  scripts: 'Run a deployment of your own (also npm scripts of the checkout):',
  other: 'Other:',
} as const;

export function cliProgram(cli: Cli): Command {
  const program = new Command('ephemera')
    .description(ABOUT)
    .version(cli.version, '-V, --version', 'prints the version')
    .helpOption('-h, --help', 'says what a command does, with examples')
    .enablePositionalOptions()
    .exitOverride()
    .configureHelp({ helpWidth: process.stdout.isTTY ? Math.min(process.stdout.columns, 120) : 100 })
    .addHelpText(
      'after',
      '\nephemera COMMAND --help says more of each. Begin with: ephemera up, ephemera create --wait',
    );
  const add = (group: keyof typeof GROUPS, commands: readonly Command[]): void => {
    for (const one of commands) program.addCommand(one.helpGroup(GROUPS[group]).helpCommand(false));
  };
  const [read, list] = [getCommand(cli), lsCommand(cli)];
  add('vms', [createCommand(cli), list, read, timelineCommand(cli), consoleCommand(cli), ...actionCommands(cli)]);
  add('access', [execCommand(cli), shellCommand(cli), forwardCommand(cli), cpCommand(cli)]);
  add('resources', [...resourceCommands(cli), keysCommand(cli), eventsCommand(cli), webhooksCommand(cli)]);
  add('deployment', [...loginCommands(cli), openCommand(cli)]);
  add('scripts', scriptCommands(cli, program));
  add('other', [completionCommand(cli, () => program)]);
  program.helpCommand('help [command]', 'the same');
  return program;
}

/** They are run before any of this is asked (run-cli.ts); here they are for the help and the completion. */
function scriptCommands(cli: Cli, program: Command): Command[] {
  return Object.entries(cli.scripts)
    .filter(([name]) => !program.commands.some((one) => one.name() === name))
    .map(([name, { about, examples, npm }]) =>
      command(name, `${about} (\`${npm}\`)`, examples)
        .argument('[arguments...]', `those of \`${npm}\`; \`ephemera ${name} --help\` lists them`)
        .allowUnknownOption(),
    );
}
