/** API keys, through the API; with --state-dir as `npm run keys`, which needs no API. */
import type { Command } from 'commander';
import { command, withOutput, withSession, type Cli, type CommonOptions, type Session } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { note, print, printData } from '../output/print.ts';
import type { AnswerOf } from '../../client/ephemera.ts';
import { SHOWN_KEYS } from './lists.ts';
import { listCommand, oneOfCommand } from './group.ts';

const ROLES = ['admin', 'operator', 'viewer'] as const;
const DAY_MS = 24 * 3600 * 1000;

export function keysCommand(cli: Cli): Command {
  const list = listCommand(
    cli,
    {
      ...{ name: 'keys', about: 'Lists the API keys of the deployment; needs an admin key.' },
      examples: [
        ['ephemera keys', 'with those that have ended; * is your own'],
        ['ephemera keys add --project games --role operator --expires 90d', 'a key for a matchmaker'],
        ['ephemera keys list --state-dir /srv/ephemera', 'as `npm run keys`, without an API'],
      ],
    },
    SHOWN_KEYS,
    readKeys,
  );
  list.addCommand(
    listCommand(
      cli,
      {
        name: 'list',
        about: 'Lists the API keys, as without list.',
        examples: [['ephemera keys list -o json', 'for scripts']],
      },
      SHOWN_KEYS,
      readKeys,
    ),
  );
  list.addCommand(addCommand(cli)).addCommand(rotateCommand(cli));
  list.addCommand(
    oneOfCommand(
      cli,
      {
        ...{ name: 'revoke', about: 'Ends a key at once.', argument: '<id>', what: 'the key' },
        examples: [['ephemera keys revoke 1f2e3d4c', 'every API replica refuses it within a second']],
      },
      SHOWN_KEYS,
      ({ ephemera, signal }, id) => ephemera.call('revokeKey', { id }, { signal }),
    ),
  );
  return list;
}

async function readKeys({ ephemera, signal }: Session) {
  return (await ephemera.call('listKeys', {}, { signal })).keys;
}

interface AddOptions extends CommonOptions {
  project?: string;
  role?: string;
  label?: string;
  expires?: string;
}

function addCommand(cli: Cli): Command {
  const one = command('add', 'Makes a key; it is printed once, alone on standard output.', [
    ['ephemera keys add --project games --role viewer > key', 'into a file'],
  ])
    .requiredOption('--project <NAME>', 'whose VMs it is for; always needed')
    .requiredOption('--role <ROLE>', `what it may do: ${ROLES.join(', ')}; always needed`)
    .option('--label <TEXT>', 'what it is for, in lists (default: none)')
    .option('--expires <WHEN>', 'a time (2027-01-31) or a number of days (30d) (default: never)');
  return withOutput(one).action((options: AddOptions) =>
    withSession(cli, options, async (session) => {
      const role = ROLES.find((known) => known === options.role);
      if (role === undefined) throw usageError(`--role must be one of ${ROLES.join(', ')}`);
      const { project = '', label, expires } = options;
      const body = { project, role, ...(label === undefined ? {} : { label }), ...expiry(expires) };
      show(session, await session.ephemera.call('createKey', { body }, { signal: session.signal }), 'made');
    }),
  );
}

function rotateCommand(cli: Cli): Command {
  const one = command('rotate', 'Makes a key in the place of another one.', [
    ['ephemera keys rotate 1f2e3d4c --overlap-seconds 3600', 'the old one goes on for an hour'],
  ])
    .argument('<id>', 'the key')
    .option('--overlap-seconds <N>', 'how long the old key goes on', '0')
    .option('--expires <WHEN>', 'a time (2027-01-31) or a number of days (30d) (default: never)');
  return withOutput(one).action((id: string, options: AddOptions & { overlapSeconds: string }) =>
    withSession(cli, options, async (session) => {
      const overlapSeconds = /^\d{1,8}$/.test(options.overlapSeconds) ? Number(options.overlapSeconds) : -1;
      if (overlapSeconds < 0) throw usageError('--overlap-seconds must be whole seconds');
      const body = { overlapSeconds, ...expiry(options.expires) };
      const made = await session.ephemera.call('rotateKey', { id, body }, { signal: session.signal });
      show(session, made, `takes the place of ${id}`);
    }),
  );
}

/** The key alone on standard output; what is said about it goes beside. */
function show({ format }: Session, made: AnswerOf<'createKey'>, done: string): void {
  if (format === 'json' || format === 'yaml') {
    printData(made, format);
    return;
  }
  const until = made.expiresAt === undefined ? '' : `, until ${made.expiresAt}`;
  note(`${made.id} ${done}: ${made.role} of ${made.project}${until}. Shown once:`);
  print(made.key);
}

function expiry(text: string | undefined): { expiresAt?: string } {
  if (text === undefined) return {};
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const at = days === undefined ? Date.parse(text) : Date.now() + Number(days) * DAY_MS;
  if (!(at > Date.now())) throw usageError('--expires must be a time to come (2027-01-31) or days (30d)');
  return { expiresAt: new Date(at).toISOString() };
}
