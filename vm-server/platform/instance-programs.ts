import { parseGceMachineOptions, runGceMachine } from './gce/gce-machine.ts';

/** What vm-server can be on an instance of a cloud, by its first word; one line each. */
export const INSTANCE_PROGRAMS: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  gce: (args) => runGceMachine(parseGceMachineOptions(args)),
};
