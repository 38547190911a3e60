import { join } from 'node:path';
import { findProcesses } from '../../../providers/host/processes/find-processes.ts';
import { entriesOf, isMachineId, readProcess } from '../../../providers/host/files/machine-files.ts';
import { isAlive, killWithGroup } from '../../../providers/host/processes/system-process.ts';
import type { LocalMachineProcess } from '../../../domain/machine/local-machine.ts';

/** Directories of machines in a state directory, one for each provider that runs them on its host. */
const MACHINES_DIR = /^machines(-[a-z0-9]+)?$/;

/** Processes of this state directory's machines that live now. What cannot be read hides no other. */
export async function liveMachines(stateDir: string): Promise<LocalMachineProcess[]> {
  const rooms = (await entriesOf(stateDir)).filter((name) => MACHINES_DIR.test(name));
  const dirs = await Promise.all(
    rooms.map(async (room) => {
      const machineIds = (await entriesOf(join(stateDir, room))).filter(isMachineId);
      return machineIds.map((machineId) => join(stateDir, room, machineId));
    }),
  );
  const found = await Promise.all(dirs.flat().map((dir) => processesIn(dir).catch(() => [])));
  return found.flat();
}

/** Ends every machine at once and by force. Resolves with how many there were. */
export async function stopMachines(stateDir: string): Promise<number> {
  const live = await liveMachines(stateDir);
  await Promise.all(live.map((machine) => killWithGroup(machine)));
  return live.length;
}

/** The process that the machine says it is; without its word, or with a damaged one, those that the system finds. */
async function processesIn(dir: string): Promise<LocalMachineProcess[]> {
  const locked = await readProcess(dir).catch(() => undefined);
  if (locked === undefined) return findProcesses(dir);
  return (await isAlive(locked)) ? [locked] : [];
}
