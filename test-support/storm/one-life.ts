/** One life of a storm: a VM that people use in the way that leads to its step, and what it may end as. */
import type { WorkflowHandle } from '@temporalio/client';
import type { EndReason } from '../../domain/vm/state.ts';
import type { VmView } from '../../domain/vm/view.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { abandonedBy } from '../machines/abandoned-creates.ts';
import { joinChat } from '../chat-client.ts';
import { seeVm, stallMachine, type Stack } from '../stack.ts';
import { comesBack, goesDown } from './kept.ts';
import type { StormLife, StormStep } from './plan.ts';
import { POOLED, untilOneWaits } from './pooled.ts';
import { hostOf, type StormScene } from './scene.ts';
import { LIFE_LABEL } from './stormy-activities.ts';

export interface LifeOutcome {
  life: StormLife;
  vm: string;
  machineId: string;
  /** How the workflow closed, and the VM's own reason. */
  ended: string;
  reason: string | undefined;
  faultHappened: boolean;
  /** Machines of creates whose host died in the middle of them: the VM asked elsewhere, and a sweep removes what is left. */
  abandoned: string[];
  /** What must not have happened. */
  violations: string[];
}

const READY_MS = 180_000;
const END_MS = 240_000;

/** Lives it to its end. Throws when the VM gets stuck. */
export async function liveOne(scene: StormScene, life: StormLife): Promise<LifeOutcome> {
  const { stack, files } = scene;
  files.plan(life);
  const vm = await create(scene, life);
  const handle = scene.handleOf(vmWorkflowId('default', vm.name));
  const violations: string[] = [];
  await Promise.all([intervene(scene, life, vm, handle), use(scene, life, vm, violations)]);
  const ended = await untilClosed(stack, handle, vm.name);
  const { body } = await stack.call('GET', `/v1/vms/${vm.name}`);
  const faultHappened = life.fault === null || life.step === 'running' || files.happened(life);
  const { machineId, reason } = body;
  const abandoned = await abandonedBy(handle);
  const outcome = { life, vm: vm.name, machineId, ended, reason, faultHappened, abandoned };
  return { ...outcome, violations: [...violations, ...wrongEnds(outcome)] };
}

async function create({ stack, provider }: StormScene, life: StormLife): Promise<VmView> {
  const idle = {
    timeoutSeconds: 1,
    firstConnectTimeoutSeconds: nobodyJoins(life) ? 2 : 300,
    silenceTimeoutSeconds: 20,
  };
  const isPooled = life.step === 'adoptMachine';
  if (isPooled) await untilOneWaits(stack);
  const whose = isPooled ? { template: POOLED } : { name: life.id, template: 'chat', provider };
  const body = { ...whose, labels: { [LIFE_LABEL]: life.id }, idle, maxLifetimeSeconds: 900 };
  const answer = await stack.call('POST', '/v1/vms', body);
  if (answer.status !== 201) throw new Error(`${life.id}: the create was answered ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const NOBODY_JOINS: readonly StormStep[] = ['createMachine', 'adoptMachine', 'awaitMachineReady', 'destroyMachine'];

function nobodyJoins({ step }: StormLife): boolean {
  return NOBODY_JOINS.includes(step);
}

/** Cancels or terminates the workflow when its activity waits for that. */
async function intervene(
  { stack, files }: StormScene,
  life: StormLife,
  vm: VmView,
  handle: WorkflowHandle,
): Promise<void> {
  if ((life.fault !== 'cancel' && life.fault !== 'terminate') || life.step === 'running') return;
  const deadline = Date.now() + END_MS;
  while (!files.happened(life)) {
    if (Date.now() > deadline) throw new Error(`${vm.name}: ${life.step} was never reached\n${await stack.logs()}`);
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') return;
    await pause(200);
  }
  await (life.fault === 'cancel' ? handle.cancel() : handle.terminate('a storm')).catch(() => undefined);
}

/** What people do with the VM. */
async function use(scene: StormScene, life: StormLife, vm: VmView, violations: string[]): Promise<void> {
  if (nobodyJoins(life)) return;
  const { stack } = scene;
  if (goesDown(life) && !(await comesBack(scene, life, vm, violations))) return;
  const { address, machineId, host } = await seeVm(
    stack,
    vm.name,
    'running',
    ({ state }) => state === 'running',
    READY_MS,
  );
  const ann = await joinChat(address!.ip, 8080, 'lobby', 'ann');
  await seeVm(stack, vm.name, 'a user', ({ connections }) => connections === 1);
  if (life.step === 'running') await meddle(scene, life, vm, host);
  if (life.step === 'running' && (life.fault === 'cancel' || life.fault === 'terminate')) {
    await ann.leave();
    return;
  }
  if (life.fault === null) await stay(scene, vm, machineId, violations);
  if (life.step === 'tellDraining') await stack.call('POST', `/v1/vms/${vm.name}/drain`);
  if (life.step === 'probeMachine') return unheard(scene, life, { vm: vm.name, machineId, host }, ann.leave);
  if (life.fault !== 'cancel' && life.fault !== 'terminate') {
    ann.say('still here?');
    await ann.hears('still here?').catch(() => violations.push('the room of a user died under him'));
    const { body } = await stack.call('GET', `/v1/vms/${vm.name}`);
    if (body.state !== 'running' && body.state !== 'draining')
      violations.push(`it was ${body.state} with a user in it`);
  }
  await ann.leave();
}

/** A kill hits the worker of the host that has the machine; it is started again. */
async function meddle(scene: StormScene, { fault }: StormLife, vm: VmView, host: string | undefined): Promise<void> {
  if (fault === 'kill') await hostOf(scene, host).worker.kill();
  if (fault === 'cancel') await scene.handleOf(vmWorkflowId('default', vm.name)).cancel();
  if (fault === 'terminate') await scene.handleOf(vmWorkflowId('default', vm.name)).terminate('a storm');
}

/** A user who is simply there: nothing of what happens to others may end his VM. */
async function stay(
  { stack, bystanderMs }: StormScene,
  vm: VmView,
  machineId: string,
  violations: string[],
): Promise<void> {
  const until = Date.now() + bystanderMs;
  while (Date.now() < until) {
    const { body } = await stack.call('GET', `/v1/vms/${vm.name}`);
    if (body.state !== 'running' || body.machineId !== machineId) {
      violations.push(`a VM with a user was ${body.state} (${body.reason ?? 'no reason'}), machine ${body.machineId}`);
      return;
    }
    await pause(500);
  }
}

/** The agent falls silent, so the machine is probed; then it speaks again. */
async function unheard(
  scene: StormScene,
  life: StormLife,
  { vm, machineId, host }: { vm: string; machineId: string; host: string | undefined },
  leave: () => Promise<void>,
): Promise<void> {
  const { stack, files } = scene;
  const wake = await stallMachine(hostOf(scene, host), machineId);
  const deadline = Date.now() + END_MS;
  try {
    while (!files.happened(life)) {
      const { body } = await stack.call('GET', `/v1/vms/${vm}`);
      if (body.state === 'destroyed' || body.state === 'failed' || Date.now() > deadline) break;
      await pause(200);
    }
  } finally {
    wake();
  }
  await leave();
}

async function untilClosed(stack: Stack, handle: WorkflowHandle, name: string): Promise<string> {
  const deadline = Date.now() + END_MS;
  for (;;) {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING' && status.name !== 'CONTINUED_AS_NEW') return status.name;
    if (Date.now() > deadline) {
      const { body } = await stack.call('GET', `/v1/vms/${name}`);
      throw new Error(`${name} never ended: ${JSON.stringify(body)}\n${await stack.logs()}`);
    }
    await pause(300);
  }
}

const USUAL_END: Record<StormLife['step'], readonly EndReason[]> = {
  createMachine: ['neverConnected'],
  awaitMachineReady: ['neverConnected'],
  destroyMachine: ['neverConnected'],
  confirmUsage: ['idle'],
  tellDraining: ['drained'],
  adoptMachine: ['neverConnected'],
  stopMachine: ['idle'],
  startMachine: ['idle'],
  suspendMachine: ['idle'],
  resumeMachine: ['idle'],
  snapshot: ['idle'],
  // It was closed, and its next life ended.
  close: ['idle'],
  // Its agent may be silent for longer than the grace.
  probeMachine: ['idle', 'lost'],
  running: ['idle'],
};

function wrongEnds({ life, ended, reason, faultHappened }: Omit<LifeOutcome, 'violations' | 'abandoned'>): string[] {
  if (life.fault === 'terminate' && faultHappened && ended === 'TERMINATED') return [];
  const usual: readonly string[] = USUAL_END[life.step];
  const mayEnd = life.fault === 'cancel' ? [...usual, 'cancelled'] : usual;
  return reason !== undefined && mayEnd.includes(reason) ? [] : [`it ended ${ended} as ${reason ?? 'nothing'}`];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
