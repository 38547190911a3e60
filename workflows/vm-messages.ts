import { ApplicationFailure, condition, log, setHandler } from '@temporalio/workflow';
import { isCount } from '../domain/agent-protocol.ts';
import { isMachineEndCause } from '../domain/machine-provider.ts';
import { canExchange } from '../domain/next.ts';
import { TIMEOUT_LIMITS } from '../domain/timeouts.ts';
import { mayBeAssigned } from '../domain/vm-state.ts';
import { timelineView, vmView, type VmView } from '../domain/vm-view.ts';
import {
  awaitReadyUpdate,
  connectionsSignal,
  destroySignal,
  destroyUpdate,
  drainSignal,
  exchangeUpdate,
  holdSignal,
  machineLostSignal,
  reportSignal,
  type ReportSignal,
  sealedInputQuery,
  timelineQuery,
  undrainSignal,
  viewQuery,
  type DestroyOptions,
  type ExchangeRequest,
  type LifeOptions,
  type MachineLoss,
} from './messages.ts';
import type { VmLife } from './vm-life.ts';

/** Handlers only record events. Signals come from anyone with a CLI, so their arguments are checked. */
export function handleMessages(life: VmLife): void {
  const view = (): VmView => vmView(life.vm, Date.now());

  setHandler(reportSignal, (report) => {
    if (isFailure(report)) life.record({ kind: 'notReady', machineId: report.machineId, detail: report.failure });
    else if (isAssigned(report)) life.record({ kind: 'assigned', machineId: report.machineId });
    // The kind last: whoever has a CLI may send more fields than a report has.
    else if (isReport(report)) life.record({ ...report, kind: 'report' });
    else refuse('report', 'an object {machineId, sequence, connections, sentAt}');
  });
  setHandler(connectionsSignal, (connections) => {
    if (isCount(connections)) life.record({ kind: 'connections', connections });
    else refuse('connections', 'a whole number, 0 or more');
  });
  setHandler(holdSignal, (seconds, options) => {
    const meant = lifeMeant(life, 'hold', options);
    if (isCount(seconds) && seconds <= TIMEOUT_LIMITS.maxSeconds) life.record({ kind: 'hold', seconds, ...meant });
    else refuse('hold', `whole seconds from 0 to ${TIMEOUT_LIMITS.maxSeconds}`);
  });
  setHandler(machineLostSignal, (lost: MachineLoss | undefined) => {
    if (typeof lost?.machineId === 'string') {
      const { machineId, cause } = lost;
      life.record({ kind: 'machineLost', machineId, ...(isMachineEndCause(cause) ? { cause } : {}) });
    } else refuse('machineLost', 'an object {machineId}');
  });
  setHandler(drainSignal, (options) => life.record({ kind: 'drain', ...lifeMeant(life, 'drain', options) }));
  setHandler(undrainSignal, (options) => life.record({ kind: 'undrain', ...lifeMeant(life, 'undrain', options) }));
  const destroy = (options?: DestroyOptions): void => {
    const kind = options?.force === true ? 'destroyForced' : 'destroyRequested';
    life.record({ kind, ...lifeMeant(life, 'destroy', options) });
  };
  setHandler(destroySignal, destroy);

  setHandler(viewQuery, view);
  setHandler(sealedInputQuery, () => ({
    machineId: life.vm.machineId,
    sealed: mayBeAssigned(life.vm) ? life.sealed : null,
    assigned: !mayBeAssigned(life.vm),
    spec: life.vm.spec,
    signature: life.signature,
  }));
  setHandler(timelineQuery, () => timelineView(life.vm));

  setHandler(awaitReadyUpdate, async () => {
    await condition(() => life.vm.state.name !== 'creating' && life.vm.state.name !== 'booting');
    return view();
  });
  setHandler(
    exchangeUpdate,
    (request) => {
      assertExchangeable(life, request);
      life.record({ kind: 'exchanged', machineId: request.machineId, nonce: request.nonce });
      return { granted: true };
    },
    { validator: (request: ExchangeRequest) => assertExchangeable(life, request) },
  );
  setHandler(destroyUpdate, (options) => {
    destroy(options);
    return view();
  });
}

/** The life that a request names; `next` ignores it in every other. */
function lifeMeant(life: VmLife, request: string, options: LifeOptions | undefined): LifeOptions {
  const uid = options?.uid;
  if (uid === undefined) return {};
  if (uid !== life.vm.uid) log.info('a request was ignored: it names another life of the VM', { request, uid });
  return { uid };
}

function assertExchangeable(life: VmLife, request: ExchangeRequest): void {
  if (canExchange(life.vm, request)) return;
  throw ApplicationFailure.nonRetryable(
    'the bootstrap secret was used or is not of the current machine',
    'tokenRefused',
  );
}

function isReport(value: unknown): value is ReportSignal {
  if (typeof value !== 'object' || value === null) return false;
  const report = value as Record<string, unknown>;
  return (
    typeof report['machineId'] === 'string' &&
    Number.isSafeInteger(report['sequence']) &&
    isCount(report['connections']) &&
    Number.isFinite(report['sentAt']) &&
    (report['answers'] === undefined || typeof report['answers'] === 'string')
  );
}

function isAssigned(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { machineId, assigned } = value as Record<string, unknown>;
  return typeof machineId === 'string' && assigned === 'done';
}

const MAX_FAILURE_CHARACTERS = 500;

function isFailure(value: unknown): value is { machineId: string; failure: string } {
  if (typeof value !== 'object' || value === null) return false;
  const { machineId, failure } = value as Record<string, unknown>;
  return typeof machineId === 'string' && typeof failure === 'string' && failure.length <= MAX_FAILURE_CHARACTERS;
}

function refuse(signal: string, expected: string): void {
  log.warn('a signal was ignored: its argument is not what it takes', { signal, expected });
}
