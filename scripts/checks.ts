import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Gate } from './run-command.ts';

/** What `npm run check` holds, without the tests; the slow ones first, so that they run side by side. */
export function staticGates(root: string): Gate[] {
  const tool = (name: string, program: string, ...args: string[]): Gate => ({
    name,
    command: join(root, 'node_modules', '.bin', program),
    args,
  });
  return [
    tool('eslint', 'eslint', '--max-warnings', '0', '.'),
    tool('types', 'tsc', '-p', '.'),
    tool('formatting', 'prettier', '--check', '--log-level', 'warn', '.'),
    tool('types of domain/', 'tsc', '-p', 'domain'),
    tool('types of workflows/', 'tsc', '-p', 'workflows'),
    tool(
      'imports go one way',
      'depcruise',
      '--output-type',
      'err',
      ...LAYERS.filter((layer) => existsSync(join(root, layer))),
    ),
    tool('nothing unused', 'knip', '--no-progress'),
  ];
}

const LAYERS = [
  ...['domain', 'workflows', 'providers', 'activities', 'config', 'telemetry', 'worker', 'api', 'vm-server'],
  ...['test', 'scripts', 'bench'],
];

/** The unit tests as one more gate. */
export function unitTestGate(root: string): Gate {
  return {
    name: 'unit tests',
    command: join(root, 'node_modules', '.bin', 'vitest'),
    args: ['run', '--project', 'unit', '--reporter', 'dot'],
  };
}
