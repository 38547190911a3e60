/** Looks all the time which machines let users in, and notes each moment at which two of one VM did. */
import type { Fleet, FleetMachine } from './fleet.ts';

const LOOK_EACH_MS = 150;
const ANSWER_MS = 1500;

export interface ServingWatch {
  /** Each VM of which two machines served at once, with those machines. */
  twice: string[];
  looks: number;
  stop: () => Promise<void>;
}

export function watchServing({ hosts }: Pick<Fleet, 'hosts'>): ServingWatch {
  const watch: ServingWatch = { twice: [], looks: 0, stop: () => Promise.resolve() };
  const known = new Map<string, FleetMachine & { host: string }>();
  const ended = new AbortController();
  const look = async (): Promise<void> => {
    for (const { id, machines } of hosts)
      for (const machine of await machines()) known.set(machine.machineId, { ...machine, host: id });
    // A machine whose directory is gone may still run, so it is asked as long as the others of its VM are.
    const byVm = new Map<string, (FleetMachine & { host: string })[]>();
    for (const machine of known.values()) byVm.set(machine.vm, [...(byVm.get(machine.vm) ?? []), machine]);
    for (const [vm, machines] of byVm) {
      if (machines.length < 2) continue;
      // Both answer twice, one after the other: then both served in between.
      if ((await servingOf(machines)).length < 2) continue;
      const still = await servingOf(machines);
      if (still.length > 1)
        watch.twice.push(`${vm}: ${still.map(({ machineId, host }) => `${machineId} on ${host}`).join(' and ')}`);
    }
    watch.looks += 1;
  };
  const running = (async () => {
    while (!ended.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
    }
  })();
  watch.stop = async () => {
    ended.abort();
    await running;
  };
  return watch;
}

async function servingOf<Known extends FleetMachine>(machines: readonly Known[]): Promise<Known[]> {
  const answers = await Promise.all(machines.map(async (machine) => ({ machine, serves: await letsUsersIn(machine) })));
  return answers.filter(({ serves }) => serves).map(({ machine }) => machine);
}

/** As a user would see it: its page answers. */
export async function letsUsersIn({ address }: FleetMachine): Promise<boolean> {
  if (address === null) return false;
  return fetch(`http://${address.ip}:${address.port}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    async (answer) => {
      await answer.text();
      return answer.ok;
    },
    () => false,
  );
}
