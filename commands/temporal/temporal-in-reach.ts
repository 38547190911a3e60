import { Client, Connection } from '@temporalio/client';
import type { Settings } from '../../config/settings.ts';
import { temporalConnectionOptions } from '../../config/temporal/temporal-connection.ts';
import { readLiveRunFile, runFilePath } from '../start/run-file.ts';
import { ScriptError } from '../terminal/terminal.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** The Temporal server that the deployment of these settings uses. */
export interface TemporalInReach {
  address: string;
  client: Client;
  close: () => Promise<void>;
}

/**
 * Connects to the server that the settings or the Temporal profile name, else to the one that `npm start` runs on
 * this state directory.
 * @throws ScriptError when neither is there.
 */
export async function connectToTemporal(settings: Settings): Promise<TemporalInReach> {
  const { namespace } = settings.temporal;
  const running = settings.temporal.address ?? (await readLiveRunFile(settings.stateDir))?.temporalAddress;
  if (running === undefined) {
    throw new ScriptError(
      `nothing runs on ${settings.stateDir} (no ${runFilePath(settings.stateDir)}): run npm start, ` +
        'name its directory with --state-dir DIR, or set TEMPORAL_ADDRESS or a Temporal profile',
    );
  }
  const options = { ...temporalConnectionOptions(settings), address: running };
  const connection = await Connection.connect({ ...options, connectTimeout: CONNECT_TIMEOUT_MS }).catch(
    (error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      throw new ScriptError(`Temporal at ${running} does not answer: ${text}`);
    },
  );
  return { address: running, client: new Client({ connection, namespace }), close: () => connection.close() };
}
