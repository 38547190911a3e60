/** What a computer that has joined a deployment needs as its host: each finding says what to do about it. */
import type { Environment } from '../../config/setting-sources.ts';
import { loadSettings, SettingsError } from '../../config/load-settings.ts';
import type { HostFile } from '../../security/hosts/host-membership.ts';
import { hostEnvironment } from '../host/host-environment.ts';
import { addressTowards } from '../host/host-name.ts';
import { ScriptError, coloured, say } from '../terminal/terminal.ts';
import { askDeployment, deploymentFindings } from './deployment-findings.ts';
import type { HostFinding, JoinedComputer } from './host-finding.ts';
import { computerFindings } from './computer-findings.ts';

export interface DoctorHostOptions {
  host: HostFile;
  stateDir: string;
  env: Environment;
  /** What each provider asks of this computer, by name. Rejects with a ScriptError that says what is missing. */
  machines: Readonly<Record<string, () => Promise<void>>>;
}

/** Prints each finding. @throws ScriptError that says what to do about those that are bad. */
export async function doctorHost({ host, stateDir, env, machines }: DoctorHostOptions): Promise<void> {
  const { hostId, membership } = host;
  if (membership === null) {
    throw new ScriptError(
      `${stateDir} asked ${host.askedApi} to join as ${hostId}, and got no answer that it kept: make a token with ` +
        'npm run keys -- join, and type EPHEMERA_JOIN_TOKEN=TOKEN npm run host -- --join URL',
    );
  }
  const todos: string[] = [];
  for (const [name, look] of Object.entries(machines)) {
    if (!membership.providers.includes(name)) continue;
    await look().catch((error: unknown) => todos.push(error instanceof Error ? error.message : String(error)));
  }
  const findings = await hostFindings({ ...host, membership }, stateDir, env);
  const shown = { good: coloured('✓', 'green'), note: coloured('!', 'yellow'), bad: coloured('✗', 'red') };
  for (const { check, verdict, found } of findings) say(`${shown[verdict]} ${check}: ${found}`);
  for (const { check, todo } of findings) if (todo !== '') todos.push(`${check}: ${todo}`);
  if (todos.length > 0) throw new ScriptError([`${hostId} is not as it should be:`, ...todos].join('\n  '));
  say(`${hostId} has what a host of deployment ${membership.deployment} needs`);
}

/** Exported for tests, as is what follows. */
export async function hostFindings(
  host: JoinedComputer['host'],
  stateDir: string,
  env: Environment,
  answerMs?: number,
): Promise<HostFinding[]> {
  const computer = await joinedComputer(host, stateDir, env);
  const said = await askDeployment(computer, answerMs);
  return [...deploymentFindings(computer, said), ...(await computerFindings(computer, said.registered))];
}

export async function joinedComputer(
  host: JoinedComputer['host'],
  stateDir: string,
  env: Environment,
): Promise<JoinedComputer> {
  const internalHost = (await addressTowards(host.askedApi)) ?? '127.0.0.1';
  const hostEnv = hostEnvironment(host, { stateDir, internalHost }, env);
  return { host, stateDir, env: hostEnv, settings: settingsOf(hostEnv) };
}

function settingsOf(env: Environment): JoinedComputer['settings'] {
  try {
    return loadSettings({ argv: [], env, cwd: process.cwd() });
  } catch (error) {
    throw error instanceof SettingsError ? new ScriptError(error.message) : error;
  }
}
