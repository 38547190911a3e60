import type { SweepReport, SweptMachine } from '../../domain/machine/sweep.ts';
import type { TestServer } from '../temporal-server.ts';

/** What every sweep that was carried out has found and done; one that runs is waited for: it may have done it already. */
export async function sweepsOf({ client }: Pick<TestServer, 'client'>): Promise<SweepReport[]> {
  const reports: SweepReport[] = [];
  const query = `WorkflowType = 'sweep' AND (ExecutionStatus = 'Running' OR ExecutionStatus = 'Completed')`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const result: Promise<unknown> = client.workflow.getHandle(workflowId, runId).result();
    // One that fails has no report; the next one does its work.
    reports.push(...((await result.catch(() => [])) as SweepReport[]));
  }
  return reports;
}

/** The machines that sweeps removed. */
export function sweptMachines(sweeps: readonly SweepReport[]): SweptMachine[] {
  return sweeps.flatMap(({ machines }) => machines.filter(({ action }) => action === 'destroyed'));
}
