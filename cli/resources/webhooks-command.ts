/** Webhooks of the project: who is told what happens. */
import type { Command } from 'commander';
import type { AnswerOf, InputOf } from '../../client/ephemera.ts';
import { command, withDeployment, withOutput, withSession, type Cli, type CommonOptions } from '../context.ts';
import { note, print, printData, printList, printOne, type Shown } from '../output/print.ts';
import { age, type Colour } from '../output/text.ts';
import { listCommand, oneOfCommand } from './group.ts';

type Webhook = AnswerOf<'getWebhook'>;
type Attempt = NonNullable<Webhook['attempts']>[number];

const COLOURS: Record<Webhook['state'], Colour> = { active: 'green', failing: 'yellow', disabled: 'red' };

const SHOWN: Shown<Webhook> = {
  nameOf: ({ id }) => id,
  none: 'no webhooks (`ephemera webhooks add URL` makes one)',
  columns: [
    { title: 'ID', value: ({ id }) => id, leftOut: 0 },
    { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => COLOURS[state], leftOut: 0 },
    { title: 'PENDING', value: ({ pending }) => String(pending), leftOut: 1 },
    { title: 'DELIVERED', value: ({ lastDeliveredAt }, now) => age(lastDeliveredAt, now), leftOut: 2 },
    { title: 'URL', value: ({ url }) => url, shrinks: true, leftOut: 1 },
    { title: 'OF', value: ({ vm, template }) => vm ?? template ?? 'all', leftOut: 3 },
    { title: 'KINDS', value: ({ kinds }) => (kinds ?? ['all']).join(','), shrinks: true, leftOut: 4 },
    { title: 'DETAIL', value: ({ detail = '-' }) => detail, shrinks: true, leftOut: 3 },
  ],
};

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function webhooksCommand(cli: Cli): Command {
  const list = listCommand(
    cli,
    {
      ...{ name: 'webhooks', about: 'Lists the webhooks of the project: who is told what happens.' },
      examples: [
        ['ephemera webhooks', 'with those that fail, and why'],
        ['ephemera webhooks add https://example.com/hook --kind vm.destroyed', 'one kind of event'],
        ['ephemera webhooks get wh-1', 'its last attempts'],
      ],
    },
    SHOWN,
    async ({ ephemera, signal }) => (await ephemera.call('listWebhooks', {}, { signal })).webhooks,
  );
  for (const one of [addCommand(cli), getCommand(cli), enableCommand(cli), rmCommand(cli)]) list.addCommand(one);
  return list.addCommand(testCommand(cli)).addCommand(redeliverCommand(cli));
}

interface AddOptions extends CommonOptions {
  kind?: string[];
  vm?: string;
  template?: string;
  description?: string;
}

function addCommand(cli: Cli): Command {
  const one = command('add', 'Makes a webhook; the secret that signs its messages is printed once, alone.', [
    ['ephemera webhooks add https://example.com/hook > secret', 'all events; docs/webhooks.md says how to verify them'],
  ])
    .argument('<url>', 'where messages are posted to')
    .option('--kind <KIND>', 'only this kind, as vm.destroyed; as often as needed (default: all)', collect)
    .option('--vm <NAME>', 'only of this VM (default: all)')
    .option('-t, --template <NAME>', 'only of VMs of this template (default: all)')
    .option('--description <TEXT>', 'what it is for (default: none)');
  return withOutput(one).action((url: string, options: AddOptions) =>
    withSession(cli, options, async ({ ephemera, signal, format }) => {
      const { kind, vm, template, description } = options;
      const body = { url, kinds: kind, vm, template, description };
      const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      const made = await ephemera.call(
        'createWebhook',
        { body: given as InputOf<'createWebhook'>['body'] },
        { signal },
      );
      if (format === 'json' || format === 'yaml') {
        printData(made, format);
        return;
      }
      note(`${made.id} made. Its secret, shown once:`);
      print(made.secret);
    }),
  );
}

const SHOWN_ATTEMPTS: Shown<Attempt> = {
  nameOf: ({ eventId }) => eventId,
  none: 'nothing was sent yet',
  columns: [
    { title: 'AT', value: ({ at }) => at, leftOut: 0 },
    { title: 'KIND', value: ({ kind }) => kind, leftOut: 1 },
    { title: 'DELIVERED', value: ({ delivered }) => (delivered ? 'yes' : 'no'), leftOut: 0 },
    { title: 'STATUS', value: ({ status }) => (status === undefined ? '-' : String(status)), leftOut: 2 },
    { title: 'EVENT', value: ({ eventId }) => eventId, leftOut: 3 },
    { title: 'DETAIL', value: ({ detail = '-' }) => detail, shrinks: true, leftOut: 2 },
  ],
};

function getCommand(cli: Cli): Command {
  const one = command('get', 'Shows a webhook with its last attempts.', [
    ['ephemera webhooks get wh-1', 'what was sent, and what was answered'],
  ]).argument('<id>', 'the webhook');
  return withOutput(one).action((id: string, options: CommonOptions) =>
    withSession(cli, options, async ({ ephemera, signal, format }) => {
      const webhook = await ephemera.call('getWebhook', { id }, { signal });
      if (format !== 'table' && format !== 'wide') {
        printOne(webhook, id, () => [], format);
        return;
      }
      printList([webhook], SHOWN, format);
      print('\n');
      printList(webhook.attempts ?? [], SHOWN_ATTEMPTS, format);
    }),
  );
}

function enableCommand(cli: Cli): Command {
  const examples = [['ephemera webhooks enable wh-1', 'once its endpoint works again']] as const;
  const about = 'Goes on with a webhook that was disabled.';
  return oneOfCommand(
    cli,
    { name: 'enable', about, argument: '<id>', what: 'the webhook', examples },
    SHOWN,
    ({ ephemera, signal }, id) => ephemera.call('enableWebhook', { id }, { signal }),
  );
}

function rmCommand(cli: Cli): Command {
  const one = command('rm', 'Deletes a webhook.', [['ephemera webhooks rm wh-1', 'nothing more is sent']]);
  return withDeployment(one.argument('<id>', 'the webhook')).action((id: string, options: CommonOptions) =>
    withSession(cli, options, async ({ ephemera, signal }) => {
      await ephemera.call('deleteWebhook', { id }, { signal });
      print(`${id}: deleted`);
    }),
  );
}

function testCommand(cli: Cli): Command {
  const one = command('test', 'Sends a webhook a message of kind webhook.test.', [
    ['ephemera webhooks test wh-1', '`ephemera webhooks get wh-1` shows what was answered'],
  ]);
  return withDeployment(one.argument('<id>', 'the webhook')).action((id: string, options: CommonOptions) =>
    withSession(cli, options, async ({ ephemera, signal }) =>
      print((await ephemera.call('testWebhook', { id }, { signal })).eventId),
    ),
  );
}

function redeliverCommand(cli: Cli): Command {
  const one = command('redeliver', 'Sends an event to a webhook again.', [
    ['ephemera webhooks redeliver wh-1 UID.7', 'the id that `ephemera webhooks get` and `ephemera events` show'],
  ])
    .argument('<id>', 'the webhook')
    .argument('<event>', 'id of the event');
  return withDeployment(one).action((id: string, eventId: string, options: CommonOptions) =>
    withSession(cli, options, async ({ ephemera, signal }) =>
      print((await ephemera.call('redeliverEvent', { id, body: { eventId } }, { signal })).eventId),
    ),
  );
}
