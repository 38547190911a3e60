/** Makes docs/cli.md from the tree of commands. */
import type { Command } from 'commander';
import { CLI_SCRIPTS } from '../commands/cli-scripts.ts';
import { examplesOf } from '../cli/context.ts';
import { EXIT_MEANINGS } from '../cli/exit-codes.ts';
import { cliProgram, GROUPS } from '../cli/program.ts';

const HEAD = `# The command line

Generated from \`cli/\` by \`dev/generate-docs.ts\`.

\`ephemera\` makes, shows and ends VMs of any deployment, goes into them, and runs a deployment of your own. In a checkout it is
\`npm run ephemera -- COMMAND\`, or \`commands/ephemera.mjs\` on your PATH.

\`\`\`sh
ephemera up                              # in one terminal
ephemera create lobby --wait             # in another one
ephemera shell lobby
ephemera ls --watch
ephemera rm lobby
\`\`\`

## Which deployment

What \`--url\`, \`--key-file\` and \`--profile\` name; else \`EPHEMERA_API_URL\` and \`EPHEMERA_API_KEY\`; else a profile
(\`EPHEMERA_PROFILE\`, else the one of \`ephemera use\`); else what \`ephemera up\` runs on this computer. \`ephemera login URL\` asks for a key, tries it
and keeps it in \`$XDG_CONFIG_HOME/ephemera/config.yaml\`, which only you can read:

\`\`\`yaml
current: prod
profiles:
  prod:
    url: https://ephemera.example.com
    key: eph_…
\`\`\`

A key is sent to the address that it was kept for, and nowhere else.

## For people and for scripts

\`-o table\` (fits the terminal), \`wide\`, \`json\`, \`yaml\` or \`name\`: lists are arrays, one thing is an object, \`ls --watch -o json\` and
\`events -o json\` print an object a line. Standard output is what was asked for; progress and hints go to standard error, and \`-q\` leaves them out.
Colours are for terminals, and \`NO_COLOR\` turns them off.

Ctrl-C stops waiting and not the work: the last line says how to look, and how to wait again.
`;

export function cliMarkdown(): string {
  const program = cliProgram({ version: '', scripts: CLI_SCRIPTS, findRunning: () => Promise.resolve(undefined) });
  const groups = Object.values(GROUPS).flatMap((title) => [
    `## ${title.replace(/:$/, '')}`,
    ...program.commands
      .filter((one) => one.helpGroup() === title)
      .flatMap((one) => commandMarkdown(one, 'ephemera', 3)),
  ]);
  const codes = EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  const exits = ['## Exit codes', '| code | meaning |\n| --- | --- |', ...codes]
    .join('\n\n')
    .replaceAll('|\n\n|', '|\n|');
  return [HEAD, exits, ...groups].join('\n\n');
}

function commandMarkdown(one: Command, parent: string, level: number): string[] {
  const name = `${parent} ${one.name()}`;
  const also = one.aliases().length === 0 ? '' : ` Also \`${one.aliases().join('`, `')}\`.`;
  const args = one.registeredArguments.map((arg) => `| \`${arg.name()}\` | ${cell(arg.description)} |`);
  const options = one.options.map(
    ({ flags, description, defaultValue }) =>
      `| \`${flags}\` | ${cell(description)}${defaultValue === undefined ? '' : ` (default: ${String(defaultValue)})`} |`,
  );
  const rows = [...args, ...options];
  const examples = examplesOf(one);
  const width = Math.max(0, ...examples.map(([line]) => line.length));
  return [
    `${'#'.repeat(level)} ${name}`,
    `${one.description()}${also}`,
    `\`\`\`sh\n${examples.map(([line, what]) => `${line.padEnd(width)}   # ${what}`).join('\n')}\n\`\`\``,
    ...(rows.length === 0 ? [] : [`| | |\n| --- | --- |\n${rows.join('\n')}`]),
    ...one.commands.flatMap((below) => commandMarkdown(below, name, level + 1)),
  ];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<');
}
