/**
 * `npm run doctor`: what this computer can run virtual machines with, and what is missing; on one that has joined a
 * deployment also what that host lacks. `npm run doctor -- PROVIDER` asks the same of a provider's cloud.
 */
import { resolve } from 'node:path';
import { defaultStateDirectory } from '../lib/processes/checkout.ts';
import type { ProviderDescriptor } from '../providers/descriptor.ts';
import { PROVIDERS } from '../providers/registry.ts';
import { readHostFile, type HostFile } from '../security/hosts/host-membership.ts';
import { doctorHost } from './doctor/doctor-host.ts';
import { doctorProvider } from './doctor/doctor-provider.ts';
import { answerHelp, usageLines, type Help } from './terminal/help.ts';
import { HOST_KIT, virtualMachines } from './image/host-kit.ts';
import { takeOwnFlags } from './terminal/own-flags.ts';
import { ScriptError, runScript, say } from './terminal/terminal.ts';

const CLOUDS = PROVIDERS.filter(({ placement }) => placement === 'zone').map(({ name }) => name);

const HELP: Help = {
  command: 'npm run doctor',
  about:
    'What this computer can run virtual machines with, and what is missing; on one that has joined a deployment (npm run host) also what ' +
    'that host lacks; with the name of a provider, what a deployment on it lacks.',
  usage: ['[--again] [--state-dir DIR]', 'PROVIDER'],
  flags: [
    ['--again', 'tries once more how guests boot here (default: the result that was kept)'],
    [
      '--state-dir DIR',
      'of the host to look at (default: EPHEMERA_STATE_DIR, else .ephemera-host in the checkout, if it is one)',
    ],
    [
      'PROVIDER',
      `asks that provider instead what a deployment on it lacks, with the settings of its page in docs/: ${CLOUDS.join(', ')}`,
    ],
  ],
  examples: [
    ['npm run doctor', 'before npm start -- --provider qemu'],
    ['npm run doctor -- --state-dir /srv/second', 'of a second host on this computer'],
    ['npm run doctor -- gcp', 'before npm start -- --provider gcp, with the settings of docs/google-cloud.md'],
  ],
};

answerHelp(process.argv, HELP);
const { provider: machines, tools } = await virtualMachines();
await runScript(async () => {
  const { values, rest } = takeOwnFlags(process.argv.slice(2), { values: ['state-dir'], switches: ['again'] });
  const asked = rest.length === 0 ? undefined : providerIn(rest);
  if (asked !== undefined && asked.name !== machines.name) return doctorProvider(asked, process.env);
  const named = values.get('state-dir');
  const stateDir = resolve(named ?? (process.env['EPHEMERA_STATE_DIR'] || defaultStateDirectory('ephemera-host')));
  const host = asked === undefined ? joinedHost(stateDir) : undefined;
  if (host === undefined && named !== undefined) throw new ScriptError(`${stateDir} is no host: see npm run host`);
  if (host === undefined) {
    await doctorVirtualMachines();
    say(`Virtual machines run here: npm start -- --provider ${machines.name}`);
    return;
  }
  await doctorHost({ host, stateDir, env: process.env, machines: { [machines.name]: doctorVirtualMachines } });
});

/** @throws ScriptError for anything else than the name of one provider. */
function providerIn(words: readonly string[]): ProviderDescriptor {
  const [first = '', ...more] = words;
  const found = PROVIDERS.find(({ name }) => name === first);
  if (found !== undefined && more.length === 0) return found;
  const known = PROVIDERS.map(({ name }) => name).join(', ');
  throw new ScriptError(`unknown: ${words.join(' ')}; providers: ${known}\n${usageLines(HELP)}`);
}

function joinedHost(stateDir: string): HostFile | undefined {
  try {
    return readHostFile(stateDir);
  } catch (error) {
    throw new ScriptError(error instanceof Error ? error.message : String(error));
  }
}

async function doctorVirtualMachines(): Promise<void> {
  const missing = await tools.findMissing(HOST_KIT, { again: process.argv.includes('--again') });
  if (missing.length > 0) throw new ScriptError(missing.join('\n'));
}
