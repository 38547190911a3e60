import type { MachineActivities } from '../../domain/machine/activities.ts';

/** The same activities, with the base name of the queues of its place in what a create answers. */
export function placedAt(queue: string, activities: object): object {
  const { createMachine } = activities as Partial<MachineActivities>;
  if (createMachine === undefined) return activities;
  const placed: MachineActivities['createMachine'] = async (input) => ({ ...(await createMachine(input)), queue });
  return { ...activities, createMachine: placed };
}
