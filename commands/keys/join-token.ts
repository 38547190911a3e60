/** A join token made beside the deployment's secret, without asking the API. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { localApiUrl } from '../../config/api-url.ts';
import type { Settings } from '../../config/settings.ts';
import { loadDeploymentSecret, SECRET_KEY_FILE } from '../../security/sealing/deployment-secret.ts';
import { joinCommand, JoinTokens, type MadeJoinToken } from '../../security/hosts/join-tokens.ts';
import { readLiveRunFile } from '../start/run-file.ts';
import { ScriptError } from '../terminal/terminal.ts';

export interface JoinTokenForPeople extends MadeJoinToken {
  /** What to type on the computer that joins. */
  command: string;
}

/**
 * `now` in epoch ms.
 * @throws ScriptError where no deployment has its secret: a token under a new one would let nobody in.
 */
export async function makeJoinToken(settings: Settings, now: number): Promise<JoinTokenForPeople> {
  const { stateDir, secretKey, deployment } = settings;
  if (secretKey === null && !existsSync(join(stateDir, SECRET_KEY_FILE))) {
    throw new ScriptError(
      `${stateDir} has no deployment: name its directory (--state-dir DIR), or set EPHEMERA_SECRET_KEY as the API has it`,
    );
  }
  const made = new JoinTokens(loadDeploymentSecret(settings), deployment).issue(now);
  return { ...made, command: joinCommand(await apiUrlOf(settings), made.token) };
}

/** The URL that was set, else where the API of this directory listens, which may be another port than the usual one. */
async function apiUrlOf({ stateDir, api }: Settings): Promise<string> {
  const wasSet = api.url !== localApiUrl(api.host, api.port, api.tls === null ? 'http' : 'https');
  return wasSet ? api.url : ((await readLiveRunFile(stateDir))?.apiUrl ?? api.url);
}
