/** `npm run keys -- list|add|revoke|rotate|join`: the API keys and join tokens of a state directory, also while Ephemera runs. */
import { parseArgs } from 'node:util';
import { addKey, KeyChangeError, revokeKey, rotateKey, type MadeKey } from '../security/keys/key-changes.ts';
import {
  endOfKey,
  keysFile,
  labelSchema,
  projectSchema,
  readKeys,
  ROLES,
  type StoredKey,
} from '../security/keys/keys-file.ts';
import { loadSettings, SettingsError } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { makeJoinToken, type JoinTokenForPeople } from './keys/join-token.ts';
import { answerHelp, helpText, usageLines, type Help } from './terminal/help.ts';
import { ScriptError, runScript, say } from './terminal/terminal.ts';

const HELP: Help = {
  command: 'npm run keys',
  about:
    'The API keys of a state directory, also while Ephemera runs (docs/keys.md). A new key is printed once, alone on standard output.',
  usage: [
    'list',
    `add --project NAME --role ${ROLES.join('|')} [--label TEXT] [--expires WHEN]`,
    'revoke ID',
    'rotate ID [--overlap-seconds N] [--expires WHEN]',
    'join [--api-url URL] [--deployment NAME]',
  ],
  flags: [
    ['--project NAME', 'whose VMs the key is for; always needed'],
    ['--role ROLE', `what it may do: ${ROLES.join(', ')}; always needed`],
    ['--label TEXT', 'what it is for, in lists (default: none)'],
    ['--expires WHEN', 'a time (2027-01-31 or 2027-01-31T12:00:00Z) or a number of days (30d) (default: never)'],
    ['--overlap-seconds N', 'how long the old key goes on beside the new one (default: 0)'],
    [
      '--api-url URL',
      'where the other computer reaches the API (default: EPHEMERA_API_URL, else that of the running API)',
    ],
    ['--deployment NAME', 'whose hosts join (default: EPHEMERA_DEPLOYMENT, else default)'],
    ['--state-dir DIR', 'another state directory (default: EPHEMERA_STATE_DIR, else .ephemera in the checkout)'],
  ],
  examples: [
    ['npm run keys -- add --project games --role operator --expires 90d', 'a key for a matchmaker'],
    ['npm run --silent keys -- add --project games --role viewer > key', 'the key alone, into a file'],
    ['npm run keys -- rotate 1f2e3d4c --overlap-seconds 3600', 'a new key, the old one for an hour more'],
    ['npm run keys -- join', 'a token with which one computer joins as a host within 15 minutes (docs/hosts.md)'],
  ],
};

const DAY_MS = 24 * 3600 * 1000;
const MAX_OVERLAP_SECONDS = 30 * 24 * 3600;

const SETTING_FLAGS = ['state-dir', 'api-url', 'deployment'] as const;

await runScript(main);

async function main(): Promise<void> {
  answerHelp(process.argv, HELP);
  const { values, positionals } = parsed();
  const [command, id, ...rest] = positionals;
  if (command === undefined) {
    say(helpText(HELP));
    return;
  }
  const now = Date.now();
  if (command === 'join' && id === undefined) {
    showJoinToken(await makeJoinToken(settingsOf(values), now));
    return;
  }
  const { stateDir } = settingsOf({ 'state-dir': values['state-dir'] });
  const expires = expiryIn(values.expires, now);
  try {
    if (command === 'list' && id === undefined) list(stateDir, now);
    else if (command === 'add' && id === undefined) {
      const { label, ...owner } = { project: values.project, role: values.role, label: values.label };
      show(await addKey(stateDir, { ...ownerOf(owner), ...labelOf(label), ...expires }, now), 'made');
    } else if (command === 'revoke' && id !== undefined && rest.length === 0) {
      await revokeKey(stateDir, id, now);
      say(`revoked ${id}: every API replica on this state directory refuses it within a second`);
    } else if (command === 'rotate' && id !== undefined && rest.length === 0) {
      const overlapSeconds = overlapIn(values['overlap-seconds']);
      show(await rotateKey(stateDir, id, { overlapSeconds, ...expires }, now), `takes the place of ${id}`);
    } else throw new ScriptError(usageLines(HELP));
  } catch (error) {
    if (error instanceof KeyChangeError) throw new ScriptError(error.message);
    throw error;
  }
}

function parsed() {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        project: text,
        role: text,
        label: text,
        expires: text,
        'overlap-seconds': text,
        'api-url': text,
        deployment: text,
        'state-dir': text,
      },
    });
  } catch (error) {
    throw new ScriptError(`${error instanceof Error ? error.message : String(error)}\n${usageLines(HELP)}`);
  }
}

function settingsOf(flags: Partial<Record<(typeof SETTING_FLAGS)[number], string | undefined>>): Settings {
  const argv = SETTING_FLAGS.flatMap((name) => (flags[name] === undefined ? [] : [`--${name}`, flags[name]]));
  try {
    return loadSettings({ argv, env: process.env, cwd: process.cwd() });
  } catch (error) {
    if (error instanceof SettingsError) throw new ScriptError(error.message);
    throw error;
  }
}

function ownerOf({ project, role }: { project: string | undefined; role: string | undefined }) {
  if (project === undefined)
    throw new ScriptError(`--project is missing: whose VMs is the key for?\n${usageLines(HELP)}`);
  if (role === undefined) throw new ScriptError(`--role is missing: one of ${ROLES.join(', ')}\n${usageLines(HELP)}`);
  const known = ROLES.find((name) => name === role);
  if (known === undefined) throw new ScriptError(`--role must be one of ${ROLES.join(', ')}`);
  const name = projectSchema.safeParse(project);
  if (!name.success) throw new ScriptError('--project must be 1 to 63 of a-z, 0-9 and "-", a letter first');
  return { project: name.data, role: known };
}

function labelOf(label: string | undefined) {
  if (label === undefined) return {};
  if (!labelSchema.safeParse(label).success) {
    throw new ScriptError('--label must be at most 80 printable ASCII characters');
  }
  return { label };
}

function expiryIn(text: string | undefined, now: number): { expiresAt?: number } {
  if (text === undefined) return {};
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const isTime = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const expiresAt = days === undefined ? (isTime ? Date.parse(text) : NaN) : now + Number(days) * DAY_MS;
  if (!(expiresAt > now)) throw new ScriptError('--expires must be a time to come (2027-01-31) or days (30d)');
  return { expiresAt };
}

function overlapIn(text = '0'): number {
  const seconds = /^\d{1,8}$/.test(text) ? Number(text) : Infinity;
  if (seconds > MAX_OVERLAP_SECONDS) throw new ScriptError('--overlap-seconds must be whole seconds, at most 30 days');
  return seconds;
}

/** The key alone on standard output, so that a script can keep it; what is said about it goes beside. */
function show({ key, stored }: MadeKey, done: string): void {
  const until = stored.expiresAt === undefined ? '' : `, until ${stored.expiresAt}`;
  process.stderr.write(`${stored.id} ${done}: ${stored.role} of ${stored.project}${until}. Shown once:\n`);
  say(key);
}

/** The command goes beside, so that standard output is the token alone. */
function showJoinToken({ token, claims, command }: JoinTokenForPeople): void {
  const until = new Date(claims.expiresAt).toISOString();
  process.stderr.write(
    `a host joins deployment ${claims.deployment} with this, once, until ${until}:\n\n  ${command}\n\n`,
  );
  say(token);
}

function list(stateDir: string, now: number): void {
  const keys = readKeys(keysFile(stateDir)) ?? [];
  if (keys.length === 0) {
    say(`no keys in ${stateDir}; \`npm start\` makes the first one`);
    return;
  }
  const head = ['ID', 'PROJECT', 'ROLE', 'ENDS WITH', 'CREATED', 'EXPIRES', 'STATE', 'LABEL'];
  const rows = [head, ...keys.map((key) => row(key, now))];
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  for (const cells of rows)
    say(
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

function row(key: StoredKey, now: number): string[] {
  const { id, project, role, lastFour = '', createdAt, expiresAt = 'never', label = '' } = key;
  return [id, project, role, lastFour, createdAt, expiresAt, endOfKey(key, now) ?? 'good', label];
}
