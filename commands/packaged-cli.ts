/** `ephemera COMMAND ARGS…` of an installed package: the commands of a checkout's package.json, by the same names. */
import { packageVersion } from '../lib/processes/package-version.ts';

const COMMANDS: Record<string, () => Promise<unknown>> = {
  up: () => import('./start.ts'),
  host: () => import('./host.ts'),
  gateway: () => import('./gateway.ts'),
  demo: () => import('./demo.ts'),
  keys: () => import('./keys.ts'),
  doctor: () => import('./doctor.ts'),
  image: () => import('./image.ts'),
  apply: () => import('./apply.ts'),
  promote: () => import('./promote.ts'),
  backup: () => import('./backup.ts'),
  restore: () => import('./restore.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command !== undefined) {
  process.argv.splice(2, process.argv.length, ...args);
  await command();
} else if (name === '--version') {
  console.log(packageVersion());
} else {
  const isHelp = ['', '--help', '-h', 'help'].includes(name);
  console[isHelp ? 'log' : 'error'](
    `${isHelp ? '' : `There is no command ${name}. `}Usage: ephemera COMMAND [ARGS]\nCommands: ${Object.keys(COMMANDS).join(', ')}; each says more with --help`,
  );
  process.exitCode = isHelp ? 0 : 1;
}
