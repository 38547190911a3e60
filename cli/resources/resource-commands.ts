/** Templates, pools, images, sessions and hosts. */
import type { Command } from 'commander';
import { command, withOutput, withSession, type Cli, type CommonOptions, type Session } from '../context.ts';
import { note, print, printData, printList } from '../output/print.ts';
import { listCommand, oneOfCommand } from './group.ts';
import {
  SHOWN_HOSTS,
  SHOWN_IMAGES,
  SHOWN_MACHINE_IMAGES,
  SHOWN_POOLS,
  SHOWN_SESSIONS,
  SHOWN_TEMPLATES,
} from './lists.ts';

export function resourceCommands(cli: Cli): Command[] {
  return [templatesCommand(cli), poolsCommand(cli), sessionsCommand(cli), imagesCommand(cli), hostsCommand(cli)];
}

const api = ({ ephemera, signal }: Session) => ({ ephemera, options: { signal } });

function templatesCommand(cli: Cli): Command {
  const list = listCommand(
    cli,
    {
      ...{ name: 'templates', about: 'Lists the templates of the project.' },
      examples: [
        ['ephemera templates', 'with the version that new VMs get'],
        ['ephemera templates get chat -o yaml', 'all of one'],
      ],
    },
    SHOWN_TEMPLATES,
    async (session) => (await api(session).ephemera.call('listTemplates', {}, api(session).options)).templates,
  );
  list.addCommand(
    oneOfCommand(
      cli,
      {
        ...{ name: 'get', about: 'Shows a template.', argument: '<name>', what: 'the template' },
        examples: [['ephemera templates get chat -o json', 'with its spec']],
      },
      SHOWN_TEMPLATES,
      (session, name) => api(session).ephemera.call('getTemplate', { name }, api(session).options),
    ),
  );
  const rm = command('rm', 'Deletes a template; its VMs go on.', [
    ['ephemera templates rm old', 'as `ephemera apply --prune` does'],
  ]);
  list.addCommand(
    withOutput(rm.argument('<name>', 'the template')).action((name: string, options: CommonOptions) =>
      withSession(cli, options, async (session) => {
        await session.ephemera.call('deleteTemplate', { name }, { signal: session.signal });
        print(session.format === 'name' ? name : `${name}: deleted`);
      }),
    ),
  );
  return list;
}

function poolsCommand(cli: Cli): Command {
  return listCommand(
    cli,
    {
      ...{ name: 'pools', about: 'Lists the warm machines of templates.' },
      examples: [['ephemera pools', 'how many wait, and for what the pool waits']],
    },
    SHOWN_POOLS,
    async (session) => (await api(session).ephemera.call('listPools', {}, api(session).options)).pools,
  );
}

function sessionsCommand(cli: Cli): Command {
  return listCommand(
    cli,
    {
      ...{ name: 'sessions', about: 'Lists closed VMs, which can be reopened.' },
      examples: [['ephemera sessions', 'with the age and size of what is kept']],
    },
    SHOWN_SESSIONS,
    async (session) => (await api(session).ephemera.call('listSessions', {}, api(session).options)).sessions,
  );
}

function imagesCommand(cli: Cli): Command {
  const one = command('images', 'Lists images: what is kept of VMs, or with --machine what machines boot.', [
    ['ephemera images', 'of closes and snapshots'],
    ['ephemera images --machine', 'images of your own that hosts have'],
    ['ephemera images rm lobby-2026-11-30', 'deletes one'],
  ]).option('--machine', 'what machines boot (default: what is kept of VMs)');
  withOutput(one).action((options: CommonOptions & { machine?: boolean }) =>
    withSession(cli, options, async (session) => {
      const { ephemera, signal, format } = session;
      if (options.machine) {
        printList((await ephemera.call('listMachineImages', {}, { signal })).images, SHOWN_MACHINE_IMAGES, format);
      } else printList((await ephemera.call('listImages', {}, { signal })).images, SHOWN_IMAGES, format);
    }),
  );
  const rm = oneOfCommand(
    cli,
    {
      ...{ name: 'rm', about: 'Deletes an image of a close or a snapshot.', argument: '<name>', what: 'the image' },
      examples: [['ephemera images rm lobby-2026-11-30', 'once nothing starts from it']],
    },
    SHOWN_IMAGES,
    (session, name) => api(session).ephemera.call('deleteImage', { name }, api(session).options),
  );
  return one.addCommand(rm);
}

const HOST_ACTIONS = [
  ['cordon', 'cordonHost', 'Takes no new VMs to a host; those it has go on.'],
  ['uncordon', 'uncordonHost', 'Lets a host take VMs again.'],
  ['drain', 'drainHost', 'Takes no new VMs to a host, and ends those it has when their users have left.'],
  ['rm', 'removeHost', 'Forgets a host that is gone; its VMs count as lost.'],
] as const;

function hostsCommand(cli: Cli): Command {
  const list = listCommand(
    cli,
    {
      ...{ name: 'hosts', about: 'Lists the computers that run machines, with their room.' },
      examples: [
        ['ephemera hosts', 'what is free of what there is'],
        ['ephemera hosts drain h1', 'before it is switched off'],
        ['ephemera hosts token', 'what a computer joins with'],
      ],
    },
    SHOWN_HOSTS,
    async (session) => (await api(session).ephemera.call('listHosts', {}, api(session).options)).hosts,
  );
  for (const [name, operation, about] of HOST_ACTIONS) {
    const examples = [[`ephemera hosts ${name} h1`, about]] as const;
    const named = { name, about, argument: '<id>', what: 'the host', examples };
    const run = (session: Session, id: string) => session.ephemera.call(operation, { id }, { signal: session.signal });
    list.addCommand(oneOfCommand(cli, named, SHOWN_HOSTS, run));
  }
  const token = command('token', 'Makes a token with which one computer joins as a host, once, within 15 minutes.', [
    ['ephemera hosts token', 'prints it alone, and beside it the command for that computer'],
  ]);
  list.addCommand(
    withOutput(token).action((options: CommonOptions) =>
      withSession(cli, options, async (session) => {
        const made = await session.ephemera.call('createJoinToken', {}, { signal: session.signal });
        if (session.format === 'json' || session.format === 'yaml') printData(made, session.format);
        else {
          note(`a host joins with this, once, until ${made.expiresAt}:\n\n  ${made.command}\n`);
          print(made.token);
        }
      }),
    ),
  );
  return list;
}
