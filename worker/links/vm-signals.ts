/** The few things the agent links say to Temporal and ask of it. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import pLimit from 'p-limit';
import { machineLostSignal, reportSignal, type MachineLoss, type ReportSignal } from '../../workflows/messages.ts';
import { linkedVm, type LinkedVm } from '../temporal/published-vm.ts';

const CALL_TIMEOUT_MS = 10_000;
/** Links of a host that have something to say at the same moment, after an outage for one, take turns. */
const CALLS_AT_ONCE = 50;

/** `notFound`: the workflow is closed or never was; nothing will ever hear this. */
export type SignalOutcome = 'delivered' | 'notFound';

export interface VmSignals {
  /** Errors mean "not known to be delivered": try again. */
  report(workflowId: string, report: ReportSignal): Promise<SignalOutcome>;
  machineLost(workflowId: string, loss: MachineLoss): Promise<SignalOutcome>;
  /**
   * What the workflow last published of itself; `notFound` when it does not run, null when it published nothing, or
   * nothing that can be read.
   */
  readMemo(workflowId: string): Promise<LinkedVm | null | 'notFound'>;
}

export function temporalVmSignals(client: Client): VmSignals {
  const limited = pLimit(CALLS_AT_ONCE);
  const call = <Result>(work: () => Promise<Result>): Promise<Result> =>
    limited(() => client.withDeadline(Date.now() + CALL_TIMEOUT_MS, work));
  const outcome = (work: () => Promise<void>): Promise<SignalOutcome> =>
    call(work).then(
      () => 'delivered',
      (error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return 'notFound';
        throw error;
      },
    );
  return {
    report: (workflowId, report) => outcome(() => client.workflow.getHandle(workflowId).signal(reportSignal, report)),
    machineLost: (workflowId, loss) =>
      outcome(() => client.workflow.getHandle(workflowId).signal(machineLostSignal, loss)),
    readMemo: async (workflowId) => {
      try {
        const { memo, status } = await call(() => client.workflow.getHandle(workflowId).describe());
        if (status.name !== 'RUNNING' && status.name !== 'PAUSED') return 'notFound';
        return linkedVm(memo) ?? null;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'notFound';
        throw error;
      }
    },
  };
}

/** Signals of a host that reports no count while its machines may be called lost: what an agent counts then is told later. */
export function withoutStaleReports(signals: VmSignals, isOver: () => boolean): VmSignals {
  return {
    report: (workflowId, report) =>
      isOver() ? Promise.reject(new Error('the lease of this host is over')) : signals.report(workflowId, report),
    machineLost: (workflowId, loss) => signals.machineLost(workflowId, loss),
    readMemo: (workflowId) => signals.readMemo(workflowId),
  };
}
