import type { SweepReport } from '../../domain/sweep.ts';
import type { TestServer } from '../temporal-server.ts';

/** What every sweep that was carried out has found and done. */
export async function sweepsOf({ client }: Pick<TestServer, 'client'>): Promise<SweepReport[]> {
  const reports: SweepReport[] = [];
  const query = `WorkflowType = 'sweep' AND ExecutionStatus = 'Completed'`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    reports.push(...((await client.workflow.getHandle(workflowId, runId).result()) as SweepReport[]));
  }
  return reports;
}

/** The VMs whose machines were removed by sweeps. */
export function sweptVms(sweeps: readonly SweepReport[]): string[] {
  return sweeps.flatMap(({ machines }) => machines.filter(({ action }) => action === 'destroyed').map(({ vm }) => vm));
}
