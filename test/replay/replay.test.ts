import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../../test-support/workflow/vm-harness.ts';
import { ENDINGS } from './endings.ts';
import { IMAGE_LIVES } from './image-lives.ts';
import { bundleWhere, PATCH_HISTORIES } from './patch-lives.ts';
import { PAIRED, sidesOf } from './patch-sides.ts';
import { PLACED_LIVES } from './placed-lives.ts';
import { POOL_LIVES } from './pool-lives.ts';
import { REQUEST_LIVES } from './request-lives.ts';
import { TEMPLATE_LIVES } from './template-lives.ts';
import { WEBHOOK_LIVES } from './webhook-lives.ts';

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const recorded = readdirSync(folder).filter((file) => file.endsWith('.json'));

interface Recorded {
  events: [{ workflowExecutionStartedEventAttributes: { workflowId: string } }, ...object[]];
}

const history = (file: string): Recorded => JSON.parse(readFileSync(folder + file, 'utf8')) as never;

describe('recorded histories', () => {
  it('exist for every kind of ending, and for every kind of life on hosts, of templates and of pools', () => {
    const lives = {
      ...ENDINGS,
      ...PLACED_LIVES,
      ...TEMPLATE_LIVES,
      ...POOL_LIVES,
      ...IMAGE_LIVES,
      ...REQUEST_LIVES,
      ...WEBHOOK_LIVES,
    };
    for (const name of [...Object.keys(lives), ...PATCH_HISTORIES]) expect(recorded).toContain(`${name}.json`);
  });

  it.each(recorded)('%s replays on the code of today', async (file) => {
    const lived = history(file);
    // Code may go by the id of its workflow.
    const { workflowId } = lived.events[0].workflowExecutionStartedEventAttributes;
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, lived, workflowId);
  });

  it('are refused by code that would do something else', async () => {
    const changed = JSON.parse(
      JSON.stringify(history('idle.json')).replaceAll('"awaitMachineReady"', '"somethingElse"'),
    ) as { events: object[] };
    const replay = Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, changed);
    await expect(replay).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});

describe('the change behind the patch', () => {
  it.each(PAIRED)(
    '%s is refused by a history of before it, and one with it by code without it',
    { timeout: 60_000 },
    async (patch) => {
      const sides = sidesOf(patch);
      for (const [side, isThere] of [
        ['before', true],
        ['with', false],
      ] as const) {
        const bundle = await bundleWhere(patch, isThere);
        const replay = Worker.runReplayHistory({ workflowBundle: bundle }, history(`${sides[side]}.json`));
        await expect(replay, `the history ${side}`).rejects.toBeInstanceOf(DeterminismViolationError);
      }
    },
  );
});
