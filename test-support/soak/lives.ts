/** The lives of a soak: each kind is a way in which people use a VM and the reason for which it must end. */
import { randomUUID } from 'node:crypto';
import type { EndReason } from '../../domain/vm/state.ts';
import type { CreateVm } from '../../client/api-client.ts';
import type { ShownVm } from '../api/api-calls.ts';
import { joinChat, type ChatClient } from '../chat-client.ts';
import type { SoakScene } from './scene.ts';

interface KindOfLife {
  name: string;
  reason: EndReason;
  spec: CreateVm;
  /** The create waits until the VM is ready. */
  waits: boolean;
  /** What people do with it. */
  use: (scene: SoakScene, vm: ShownVm) => Promise<void>;
}

export interface LivedLife {
  kind: string;
  vm: string;
  reason: string;
  tookSeconds: number;
  /** What must not have happened; null when all was right. */
  wrong: string | null;
}

const SHORT_IDLE = { timeoutSeconds: 2, firstConnectTimeoutSeconds: 120 };

const KINDS: readonly KindOfLife[] = [
  { name: 'idle', reason: 'idle', spec: { idle: SHORT_IDLE }, waits: true, use: talkAndLeave },
  { name: 'idle, not waited for', reason: 'idle', spec: { idle: SHORT_IDLE }, waits: false, use: talkAndLeave },
  { name: 'deleted with a user', reason: 'requested', spec: {}, waits: true, use: remove },
  {
    name: 'never connected',
    reason: 'neverConnected',
    spec: { idle: { firstConnectTimeoutSeconds: 2 } },
    waits: false,
    use: () => Promise.resolve(),
  },
  { name: 'drained', reason: 'drained', spec: {}, waits: true, use: drain },
  {
    name: 'with secrets and a script',
    reason: 'idle',
    spec: {
      idle: SHORT_IDLE,
      secretEnv: { CHAT_TITLE: 'a soak' },
      startupScript: 'echo "set up for $CHAT_TITLE"\n',
    },
    waits: true,
    use: talkAndLeave,
  },
  { name: 'deleted at once', reason: 'requested', spec: {}, waits: false, use: removeAtOnce },
  { name: 'at its longest life', reason: 'maxLifetime', spec: { maxLifetimeSeconds: 20 }, waits: true, use: stay },
];

/** Lives the life with this number to its end; never throws. */
export async function live(scene: SoakScene, index: number): Promise<LivedLife> {
  const kind = KINDS[index % KINDS.length]!;
  const name = `soak-${index}-${randomUUID().slice(0, 8)}`;
  const startedAt = Date.now();
  const lived = (reason: string, wrong: string | null): LivedLife => {
    return { kind: kind.name, vm: name, reason, tookSeconds: (Date.now() - startedAt) / 1000, wrong };
  };
  try {
    const body = { name, template: 'chat', ...kind.spec };
    const vm = kind.waits
      ? await scene.createReady(body)
      : await scene.ask(`create ${name}`, (calls) => calls.createVm(body));
    await kind.use(scene, vm);
    const { reason = '', state } = await scene.see(name, 'ended', ({ state }) => isEnd(state));
    const right = state === 'destroyed' && reason === kind.reason;
    return lived(reason, right ? null : `${name} (${kind.name}) ended ${state} as ${reason}`);
  } catch (error) {
    return lived('', `${name} (${kind.name}): ${error instanceof Error ? error.message : String(error)}`);
  }
}

function isEnd(state: ShownVm['state']): boolean {
  return state === 'destroyed' || state === 'failed';
}

/** Joins the VM's chat, once it runs. */
export async function joinAs(scene: SoakScene, vm: ShownVm, ...people: string[]): Promise<ChatClient[]> {
  const { address } = await scene.see(vm.name, 'running', ({ state }) => state === 'running');
  return Promise.all(people.map((person) => joinChat(address!.ip, 8080, 'lobby', person)));
}

async function talkAndLeave(scene: SoakScene, vm: ShownVm): Promise<void> {
  const [ann, bob] = await joinAs(scene, vm, 'ann', 'bob');
  ann!.say('hello bob');
  await bob!.hears('hello bob');
  await scene.see(vm.name, 'seen with two users', ({ connections }) => connections === 2);
  await Promise.all([ann!.leave(), bob!.leave()]);
}

async function remove(scene: SoakScene, vm: ShownVm): Promise<void> {
  const [ann] = await joinAs(scene, vm, 'ann');
  await scene.destroy(vm.name);
  await ann!.leave();
}

async function removeAtOnce(scene: SoakScene, vm: ShownVm): Promise<void> {
  await scene.ask(`destroy ${vm.name}`, (calls) => calls.destroyVm(vm.name));
}

async function drain(scene: SoakScene, vm: ShownVm): Promise<void> {
  const [ann, bob] = await joinAs(scene, vm, 'ann', 'bob');
  await scene.see(vm.name, 'seen with two users', ({ connections }) => connections === 2);
  await scene.ask(`drain ${vm.name}`, (calls) => calls.drainVm(vm.name));
  ann!.say('the last word');
  await bob!.hears('the last word');
  await Promise.all([ann!.leave(), bob!.leave()]);
}

async function stay(scene: SoakScene, vm: ShownVm): Promise<void> {
  const [ann] = await joinAs(scene, vm, 'ann');
  await scene.see(vm.name, 'ended', ({ state }) => isEnd(state));
  await ann!.leave();
}
