import { ApplicationFailure, condition, log, setHandler } from '@temporalio/workflow';
import { countLeaseOf } from '../../domain/agent/usage.ts';
import { isCount } from '../../domain/agent/protocol.ts';
import { isMachineEndCause } from '../../domain/machine/provider.ts';
import { canExchange } from '../../domain/vm/next.ts';
import { TIMEOUT_LIMITS } from '../../domain/timeouts.ts';
import { isOnItsWay } from '../../domain/vm/power.ts';
import { rollOverOrderOf } from '../../domain/vm/roll-over.ts';
import { mayBeAssigned } from '../../domain/vm/state.ts';
import { timelineView, vmView, type VmView } from '../../domain/vm/view.ts';
import {
  adoptAnswerSignal,
  awaitReadyUpdate,
  connectionsSignal,
  destroySignal,
  destroyUpdate,
  drainSignal,
  exchangeUpdate,
  holdSignal,
  machineLostSignal,
  reportSignal,
  rollOverSignal,
  type ReportSignal,
  sealedInputQuery,
  timelineQuery,
  undrainSignal,
  viewQuery,
  type CountOptions,
  type DestroyOptions,
  type ExchangeRequest,
  type LifeOptions,
  type MachineLoss,
} from '../messages.ts';
import { heardOrder } from '../heard-order.ts';
import { ignoreSignal } from '../ignored-signal.ts';
import { refuseForNow } from '../machine/refuse-for-now.ts';
import { newMachineId } from '../machine/machine-id.ts';
import { MessageHandlers } from '../message-handlers.ts';
import { asksAfterHearsay, leasesCounts, makesRoom } from '../patches.ts';
import { hearAnswer } from './adopt.ts';
import { handleImageMessages } from './image-messages.ts';
import type { VmLife } from './life.ts';
import { handlePowerMessages } from './power-messages.ts';
import { handleTakeBack } from './take-back-message.ts';

/** Handlers only record events. Signals come from anyone with a CLI, so their arguments are checked. */
export function handleMessages(life: VmLife): void {
  const view = (): VmView => vmView(life.vm, Date.now());
  const messages = new MessageHandlers();

  messages.onSignal(reportSignal, (report) => {
    if (isFailure(report)) life.record({ kind: 'notReady', machineId: report.machineId, detail: report.failure });
    else if (isAssigned(report)) life.record({ kind: 'assigned', machineId: report.machineId });
    // The kind last: whoever has a CLI may send more fields than a report has.
    else if (isReport(report)) life.record({ ...report, kind: 'report' });
    else ignoreSignal(reportSignal, 'an object {machineId, sequence, connections, sentAt}');
  });
  handleCounts(life, messages);
  messages.onSignal(holdSignal, (seconds, options?: LifeOptions) => {
    const meant = lifeMeant(life, 'hold', options);
    if (isCount(seconds) && seconds <= TIMEOUT_LIMITS.maxSeconds) life.record({ kind: 'hold', seconds, ...meant });
    else ignoreSignal(holdSignal, `whole seconds from 0 to ${TIMEOUT_LIMITS.maxSeconds}`);
  });
  messages.onSignal(machineLostSignal, (lost: MachineLoss | undefined) => {
    if (typeof lost?.machineId === 'string') {
      const { machineId, cause, lostAt } = lost;
      if (cause === 'hostLost') {
        const since = typeof lostAt === 'number' ? { lostAt } : {};
        life.record({ kind: 'hostLost', machineId, nextMachineId: newMachineId(), ...since });
        return;
      }
      const isHearsay = life.vm.startedAgainAt !== undefined && asksAfterHearsay();
      const hearsay = isHearsay ? ({ hearsay: true } as const) : {};
      life.record({ kind: 'machineLost', machineId, ...(isMachineEndCause(cause) ? { cause } : {}), ...hearsay });
    } else ignoreSignal(machineLostSignal, 'an object {machineId}');
  });
  messages.onSignal(drainSignal, (options?: LifeOptions) =>
    life.record({ kind: 'drain', ...lifeMeant(life, 'drain', options) }),
  );
  messages.onSignal(undrainSignal, (options?: LifeOptions) =>
    life.record({ kind: 'undrain', ...lifeMeant(life, 'undrain', options) }),
  );
  const destroy = (options?: DestroyOptions): void => {
    const kind = options?.force === true ? 'destroyForced' : 'destroyRequested';
    life.record({ kind, ...lifeMeant(life, 'destroy', options) });
  };
  messages.onSignal(destroySignal, destroy);

  handlePowerMessages(life, messages);
  handleTakeBack(life, messages);
  handleRollOver(life, messages);
  handleImageMessages(life, messages);
  messages.onSignal(adoptAnswerSignal, (answer: unknown) => hearAnswer(life, answer));

  messages.onUpdate(awaitReadyUpdate, async () => {
    await condition(() => !isOnItsWay(life.vm) || life.movesOn);
    return view();
  });
  messages.onUpdate(
    exchangeUpdate,
    (request) => {
      assertExchangeable(life, request);
      life.record({ kind: 'exchanged', machineId: request.machineId, nonce: request.nonce });
      return { granted: true };
    },
    { validator: (request: ExchangeRequest) => assertExchangeable(life, request) },
  );
  messages.onUpdate(destroyUpdate, (options?: DestroyOptions) => {
    destroy(options);
    return view();
  });
  messages.begin();
  handleQueries(life, view);
}

function handleCounts(life: VmLife, messages: MessageHandlers): void {
  messages.onSignal(connectionsSignal, (connections, options?: CountOptions) => {
    const meant = lifeMeant(life, 'connections', options);
    const isLeased = options?.lease !== undefined && leasesCounts();
    const lease = isLeased ? countLeaseOf(options.lease) : undefined;
    if (!isCount(connections)) ignoreSignal(connectionsSignal, 'a whole number, 0 or more');
    else if (isLeased && lease === undefined) ignoreSignal(connectionsSignal, 'a lease of a name and of seconds');
    else life.record({ kind: 'connections', connections, ...meant, ...(lease === undefined ? {} : { lease }) });
  });
}

function handleRollOver(life: VmLife, messages: MessageHandlers): void {
  messages.onSignal(rollOverSignal, (told) => {
    const order = rollOverOrderOf(told);
    if (order === undefined) ignoreSignal(rollOverSignal, 'an object {below, revision}');
    else if (makesRoom()) life.record({ kind: 'rollOver', ...heardOrder(order), ...lifeMeant(life, 'rollOver', told) });
  });
}

function handleQueries(life: VmLife, view: () => VmView): void {
  setHandler(viewQuery, view);
  setHandler(sealedInputQuery, () => ({
    machineId: life.vm.machineId,
    sealed: mayBeAssigned(life.vm) ? life.sealed : null,
    assigned: !mayBeAssigned(life.vm),
    spec: life.vm.spec,
    signature: life.signature,
  }));
  setHandler(timelineQuery, () => timelineView(life.vm));
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
  refuseForNow({ state: life.vm.state.name, machineId: life.vm.machineId }, request);
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
