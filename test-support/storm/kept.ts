/** Lives that keep something: they are stopped, suspended, closed or copied, and what was written before is read after. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VmView } from '../../domain/vm/view.ts';
import type { ShownVm } from '../api/api-calls.ts';
import { eventually, processesOf, seeVm } from '../stack.ts';
import type { StormLife, StormStep } from './plan.ts';
import { hostOf, type StormScene } from './scene.ts';

/** How a life goes down and comes back, and what it is between. */
interface Way {
  down: 'stop' | 'suspend' | 'close' | 'snapshot';
  /** Null: it comes back by itself. */
  between: 'stopped' | 'suspended' | 'destroyed' | null;
  up: 'start' | 'resume' | 'reopen' | null;
}

const WAYS: Partial<Record<StormStep, Way>> = {
  stopMachine: { down: 'stop', between: 'stopped', up: 'start' },
  startMachine: { down: 'stop', between: 'stopped', up: 'start' },
  suspendMachine: { down: 'suspend', between: 'suspended', up: 'resume' },
  resumeMachine: { down: 'suspend', between: 'suspended', up: 'resume' },
  close: { down: 'close', between: 'destroyed', up: 'reopen' },
  snapshot: { down: 'snapshot', between: null, up: null },
};
const STEP_MS = 180_000;
const LISTED_MS = 20_000;

export function goesDown({ step }: StormLife): boolean {
  return WAYS[step] !== undefined;
}

/** Goes down and comes back. False where it has ended meanwhile, as one that is cancelled or terminated does. */
export async function comesBack(
  scene: StormScene,
  life: StormLife,
  { name }: VmView,
  violations: string[],
): Promise<boolean> {
  const way = WAYS[life.step];
  if (way === undefined) return true;
  const first = await until(scene, name, 'running');
  if (first.state !== 'running') return false;
  const { machineId, uid } = first;
  const kept = keptFile(scene, first);
  if (scene.provider === 'local') await writeFile(kept, name);
  const processes = await processesOfMachine(scene, first);
  if (!(await ask(scene, name, way.down))) return false;
  if (way.between !== null) {
    const below = await until(scene, name, way.between);
    if (below.state !== way.between || (way.down === 'close' && below.reason !== 'closed')) return false;
    if (!(await isAsItSays(scene, below, processes)))
      violations.push(`it is ${below.state}, and its processes are not so`);
  }
  if (way.down === 'snapshot' && !(await hasImage(scene, name))) return false;
  if (way.up !== null && !(await ask(scene, name, way.up))) return false;
  const again = await until(scene, name, 'running', way.down === 'close' ? uid : undefined);
  if (again.state !== 'running') return false;
  if (way.down !== 'close' && again.machineId !== machineId)
    violations.push(`its machine was ${machineId} and is ${again.machineId}`);
  if (way.down === 'suspend' && (await processesOfMachine(scene, again)).join() !== processes.join())
    violations.push('another process goes on for the one that was suspended');
  const read =
    scene.provider === 'local' ? await readFile(keptFile(scene, again), 'utf8').catch(() => 'nothing') : name;
  if (read !== name) violations.push(`it had written ${name} before its ${way.down}, and reads ${read}`);
  const images = await settledImages(scene, name, way.down === 'close' || way.down === 'snapshot' ? 'ready' : '');
  if (images !== undefined) violations.push(`its images are ${images || 'none'}`);
  return true;
}

/** Until it is so, or has ended or is about to. `after`: another life of the name is waited for. */
function until(scene: StormScene, name: string, state: string, after?: string): Promise<ShownVm> {
  const isOver = (vm: ShownVm): boolean => vm.state === 'destroyed' || vm.state === 'failed';
  const isLeft = (vm: ShownVm): boolean => isOver(vm) || (state !== 'destroyed' && vm.state === 'destroying');
  return seeVm(scene.stack, name, state, (vm) => vm.uid !== after && (vm.state === state || isLeft(vm)), STEP_MS);
}

/** Asks until it is done or nothing is there to be asked: what is restarted just now answers later. */
async function ask({ stack }: StormScene, name: string, action: string): Promise<boolean> {
  const deadline = Date.now() + STEP_MS;
  for (;;) {
    const { status, body } = await stack.call(
      'POST',
      `/v1/vms/${name}/${action}`,
      action === 'snapshot' ? {} : undefined,
    );
    if (status < 300) return true;
    if (status === 404 || ['destroying', 'destroyed', 'failed'].includes((await stack.calls.getVm(name)).body.state))
      return false;
    if (Date.now() > deadline) throw new Error(`${name}: ${action} was answered ${JSON.stringify(body)}`);
    await sleep(500);
  }
}

function keptFile(scene: StormScene, { host, machineId }: ShownVm): string {
  return join(hostOf(scene, host).stateDir, 'machines', machineId, 'data', 'kept');
}

async function processesOfMachine(scene: StormScene, { host, machineId }: ShownVm): Promise<string[]> {
  const lines = await processesOf(hostOf(scene, host));
  return lines.filter((line) => line.includes(machineId));
}

/** One that is stopped has no process, one that is suspended has the ones that it had. */
async function isAsItSays(scene: StormScene, below: ShownVm, before: string[]): Promise<boolean> {
  if (below.state === 'destroyed') return true;
  const now = await processesOfMachine(scene, below);
  const isSo = now.join() === (below.state === 'suspended' ? before.join() : '');
  // One that was cancelled or terminated since is nobody's any more.
  return isSo || (await scene.stack.calls.getVm(below.name, { fresh: true })).body.state !== below.state;
}

/** The states of the images of a name. */
async function imagesOf({ stack }: Pick<StormScene, 'stack'>, name: string): Promise<string[]> {
  const { images } = (await stack.calls.listImages()).body;
  return images.filter(({ vm }) => vm === name).map(({ state }) => state);
}

/** Undefined once they are as wanted, else what they still are after a while: lists of images are some seconds old. */
async function settledImages(scene: StormScene, name: string, wanted: string): Promise<string | undefined> {
  const deadline = Date.now() + LISTED_MS;
  for (;;) {
    const images = (await imagesOf(scene, name)).join(', ');
    if (images === wanted) return undefined;
    if (Date.now() > deadline) return images;
    await sleep(500);
  }
}

/** Until the image of a snapshot is there; false where its VM has ended. */
async function hasImage(scene: StormScene, name: string): Promise<boolean> {
  const { stack } = scene;
  return eventually(
    stack,
    `an image of ${name}`,
    async () => {
      if ((await imagesOf(scene, name)).includes('ready')) return true;
      const { state } = (await stack.calls.getVm(name)).body;
      return ['destroying', 'destroyed', 'failed'].includes(state) ? false : undefined;
    },
    STEP_MS,
  );
}

/** Deletes the images of all lives; what of them is left on a host then should not be there. */
export async function leftImages(
  { stack, hosts }: Pick<StormScene, 'stack' | 'hosts'>,
  deadlineMs: number,
): Promise<string[]> {
  const onHosts = async (): Promise<string[]> => {
    const found = hosts.map(({ stateDir }) => readdir(join(stateDir, 'machine-images')).catch(() => []));
    return (await Promise.all(found)).flat();
  };
  const areGone = async (): Promise<true | undefined> => {
    const { images } = (await stack.calls.listImages()).body;
    for (const { name, state } of images)
      if (state === 'ready' || state === 'dirty') await stack.calls.deleteImage(name);
    return images.every(({ state }) => state === 'failed') && (await onHosts()).length === 0 ? true : undefined;
  };
  try {
    await eventually(stack, 'no image left', areGone, deadlineMs);
    return [];
  } catch {
    const listed = (await stack.calls.listImages()).body.images.map(({ name, state }) => `image ${name} (${state})`);
    return [...listed, ...(await onHosts())].map((what) => `left behind: ${what}`);
  }
}
