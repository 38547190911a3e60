/** `npm run check`: everything that can be said about the code without starting it, and the unit tests. */
import { resolve } from 'node:path';
import { staticGates, unitTestGate } from './checks.ts';
import { runGates } from './run-command.ts';
import { runScript } from './terminal.ts';

const ROOT = resolve(import.meta.dirname, '..');

await runScript(async () => {
  await runGates([...staticGates(ROOT), unitTestGate(ROOT)], ROOT);
});
