import type { WorkflowHandle } from '@temporalio/client';
import type { FleetHost } from '../hosts/fleet.ts';
import type { Stack } from '../stack.ts';
import type { StormFiles } from './stormy-activities.ts';

/** What the lives of a storm share. */
export interface StormScene {
  stack: Stack;
  files: StormFiles;
  provider: string;
  handleOf: (workflowId: string) => WorkflowHandle;
  hosts: readonly FleetHost[];
  /** How long users of a VM without a fault stay. */
  bystanderMs: number;
}

export function hostOf({ hosts }: Pick<StormScene, 'hosts'>, id: string | undefined): FleetHost {
  const found = hosts.find((host) => host.id === id);
  if (found === undefined) throw new Error(`no host of the storm is called ${id ?? 'nothing'}`);
  return found;
}
