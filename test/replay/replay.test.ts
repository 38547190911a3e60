import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowBundle } from '../workflow/vm-harness.ts';
import { ENDINGS } from './endings.ts';

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
const recorded = readdirSync(folder).filter((file) => file.endsWith('.json'));

const history = (file: string): { events: object[] } => JSON.parse(readFileSync(folder + file, 'utf8')) as never;

describe('recorded histories', () => {
  it('exist for every kind of ending', () => {
    for (const name of Object.keys(ENDINGS)) expect(recorded).toContain(`${name}.json`);
  });

  it.each(recorded)('%s replays on the code of today', async (file) => {
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history(file));
  });

  it('are refused by code that would do something else', async () => {
    const changed = JSON.parse(
      JSON.stringify(history('idle.json')).replaceAll('"awaitMachineReady"', '"somethingElse"'),
    ) as { events: object[] };
    const replay = Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, changed);
    await expect(replay).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});
