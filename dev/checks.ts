import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Gate } from '../commands/terminal/run-command.ts';

/** What `npm run check` holds, without the tests; the slow ones first, so that they run side by side. */
export function staticGates(root: string): Gate[] {
  const tool = (name: string, program: string, ...args: string[]): Gate => ({
    name,
    command: join(root, 'node_modules', '.bin', program),
    args,
  });
  // What did not change since the last run is not looked at again. ESLint has no part in it: its rules with types depend on
  // other files than the one that they look at.
  const cache = (name: string): string => join(root, 'node_modules', '.cache', 'ephemera-check', name);
  const types = (name: string, project: string): Gate => {
    const state = cache(`${project === '.' ? 'root' : project}.tsbuildinfo`);
    return tool(name, 'tsc', '-p', project, '--incremental', '--tsBuildInfoFile', state);
  };
  return [
    tool('eslint', 'eslint', '--max-warnings', '0', '.'),
    types('types', '.'),
    tool(
      'formatting',
      'prettier',
      '--check',
      '--log-level',
      'warn',
      '--cache',
      '--cache-location',
      cache('prettier'),
      '.',
    ),
    types('types of domain/', 'domain'),
    types('types of workflows/', 'workflows'),
    types('types of client/ in a browser', 'client'),
    types('types of web/', 'web'),
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
  ...[
    'domain',
    'spec',
    'client',
    'workflows',
    'providers',
    'activities',
    'lib',
    'security',
    'config',
    'telemetry',
    'worker',
    'api',
  ],
  ...['vm-server', 'cli', 'web', 'commands', 'dev', 'test', 'test-support', 'bench'],
];

/** The unit tests as one more gate. */
export function unitTestGate(root: string): Gate {
  return {
    name: 'unit tests',
    command: join(root, 'node_modules', '.bin', 'vitest'),
    args: ['run', '--project', 'unit', '--reporter', 'dot'],
  };
}
