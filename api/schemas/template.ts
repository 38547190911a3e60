import { z } from 'zod';
import { MAX_WARM, MAX_WARM_TTL_SECONDS } from '../../domain/pool/messages.ts';
import { REUSE_NAMES, TRIAL_NAMES, type Reuse, type Trial } from '../../domain/template/state.ts';
import { nextFiring, parseCron } from '../../domain/pool/cron.ts';
import { MAX_SCHEDULE_ENTRIES } from '../../domain/pool/schedule.ts';
import { isTimeZone, offsetIn } from '../../lib/text/time-zone.ts';
import { choice } from '../../spec/choice.ts';
import { nameSchema } from '../../spec/spec-fields.ts';
import { templateSpecSchema } from './spec.ts';

export const templatePathSchema = z.strictObject({
  name: nameSchema.describe('Name of the template, in the project of the key.'),
});

export const putTemplateQuerySchema = z.strictObject({
  dryRun: z.boolean().optional().describe('Check it, change nothing, and answer as if it were put. Default: false.'),
});

const scheduleEntrySchema = z
  .strictObject({
    cron: z
      .string()
      .max(200)
      .describe('Minute, hour, day of month, month and weekday; with lists, ranges, steps and English names.'),
    timezone: z
      .string()
      .max(64)
      .refine(isTimeZone, { error: 'must be the IANA name of a time zone, such as Europe/Berlin' })
      .optional()
      .describe('IANA name of the time zone that `cron` is read in. Default: UTC.'),
    min: z.int().min(0).max(MAX_WARM).describe('Machines that wait from then on, whatever the demand.'),
    max: z
      .int()
      .min(0)
      .max(MAX_WARM)
      .optional()
      .describe('Never more machines from then on. Default: `max` of `warm`.'),
  })
  .superRefine(({ cron, timezone = 'UTC' }, context) => {
    const parsed = parseCron(cron);
    const add = (message: string): void => context.addIssue({ code: 'custom', path: ['cron'], message });
    if (parsed === undefined) add('must be five fields: minute, hour, day of month, month and weekday');
    else if (isTimeZone(timezone) && nextFiring(parsed, Date.now(), offsetIn(timezone)) === null) add('never fires');
  });

const warmSchema = z
  .strictObject({
    min: z.int().min(0).max(MAX_WARM).describe('Machines that wait, whatever the demand.'),
    max: z.int().min(0).max(MAX_WARM).describe('Never more machines than this, those that are being made included.'),
    ttlSeconds: z
      .int()
      .min(1)
      .max(MAX_WARM_TTL_SECONDS)
      .describe('A machine that nobody claimed for so long is replaced.'),
    paused: z.boolean().optional().describe('Whether nothing is made and nothing waits. Default: false.'),
    schedule: z
      .array(scheduleEntrySchema)
      .max(MAX_SCHEDULE_ENTRIES)
      .optional()
      .describe(
        'Other limits from certain times on: those of the entry that fired last count until another one fires. Default: none.',
      ),
  })
  .refine(({ min, max }) => min <= max, { path: ['max'], error: 'must be at least min' })
  .superRefine(({ max, schedule = [] }, context) => {
    for (const [at, entry] of schedule.entries()) {
      if (entry.min > (entry.max ?? max)) {
        const message = entry.max === undefined ? 'must be at most warm.max, or give a max' : 'must be at most max';
        context.addIssue({ code: 'custom', path: ['schedule', at, 'min'], message });
      }
    }
  });

const REUSE_TEXT = choice<Reuse>('Which VM of the template that is there already a create without a name may get.', {
  none: 'none',
  empty: 'one that drains and has no users, or is stopped; its machine is reset, so nothing of what was in it is left',
  shared: 'one that drains, with the users that are in it, or one that is stopped, which is reset',
});

const ROLL_IDLE_TEXT =
  'Whether VMs of earlier versions make room as soon as this one has been ready: once nobody has used them for 30 s, `idle.action` follows. VMs in use stay, and so do those whose create named the version.';

export const putTemplateSchema = z
  .strictObject({
    spec: templateSpecSchema,
    reuse: z.enum(REUSE_NAMES).optional().describe(`${REUSE_TEXT} Default: \`none\`.`),
    rollIdle: z.boolean().optional().describe(`${ROLL_IDLE_TEXT} Default: false.`),
    warm: warmSchema
      .optional()
      .describe('Machines that are made before anybody asks, where the provider can. Default: none.'),
  })
  .meta({ id: 'PutTemplate', examples: [{ spec: { image: 'vm-server', ports: [{ name: 'http', port: 8080 }] } }] });

const STATE_TEXT = choice<Trial['name']>('What its creates have shown.', {
  unproven: 'none of them has been ready yet',
  good: 'one of them was ready',
  heldBack: 'several in a row failed and none was ready, so that it serves no creates while another version can',
});

const versionSchema = z.object({
  version: z.int().describe('Counts up; never reused.'),
  state: z.enum(TRIAL_NAMES).describe(STATE_TEXT),
  createdAt: z.iso.datetime().optional().describe('When it was put; absent for a built-in one.'),
  createdBy: z.string().optional().describe('Id of the API key that put it; absent for a built-in one.'),
  failures: z.int().optional().describe('Its creates in a row that failed, while none was ready; absent for none.'),
  lastFailure: z.string().optional().describe('Why the last one of them failed.'),
});

const heldBackSchema = z.object({
  version: z.int().describe('The version that is held back: always the newest one.'),
  since: z.iso.datetime().describe('Since when.'),
  failures: z.int().describe('Creates in a row that failed.'),
  reason: z.string().describe('Why the last one of them failed.'),
  todo: z.string().describe('How it is tried again.'),
});

export const templateSchema = z
  .object({
    name: z.string().describe('Name of the template, unique in the project.'),
    project: z.string().describe('Project of the template.'),
    version: z.int().describe('The newest version: the one that was put last.'),
    servingVersion: z.int().describe('The version that creates get: the newest one, unless that is held back.'),
    builtIn: z.boolean().describe('True where it comes with Ephemera and nobody has put one of its name.'),
    spec: templateSpecSchema.describe('Of the newest version, as it was put.'),
    warm: warmSchema.optional().describe('Of the newest version; absent where none wait. `/v1/pools` shows them.'),
    reuse: z.enum(REUSE_NAMES).describe(REUSE_TEXT),
    rollIdle: z.boolean().describe(ROLL_IDLE_TEXT),
    heldBack: heldBackSchema.optional().describe('Present while the newest version is held back.'),
    versions: z.array(versionSchema).describe('The versions that are kept, oldest first.'),
  })
  .meta({ id: 'Template', description: 'What creates are made from when they name it.' });
export type ApiTemplate = z.infer<typeof templateSchema>;

export const templateListSchema = z
  .object({ templates: z.array(templateSchema).describe('Those of the project and the built-in ones, by name.') })
  .meta({ id: 'TemplateList', description: 'The templates that creates of the project may name.' });

export const templateAcceptedSchema = z
  .object({
    name: z.string().describe('Name of the template.'),
    project: z.string().describe('Project of the template.'),
  })
  .meta({ id: 'TemplateAccepted', description: 'What was asked is kept; look at the template to see it done.' });
