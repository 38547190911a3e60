/** VMs that people use from the beginning of a soak to its end: nothing may happen to them. */
import type { ChatClient } from '../chat-client.ts';
import { joinAs } from './lives.ts';
import type { SoakScene } from './scene.ts';

export class Resident {
  readonly name: string;
  readonly machineId: string;
  /** What happened to it that must not. */
  readonly wrongs: string[] = [];
  readonly #scene: SoakScene;
  readonly #people: readonly ChatClient[];
  #talks = 0;

  private constructor(scene: SoakScene, name: string, machineId: string, people: readonly ChatClient[]) {
    this.name = name;
    this.machineId = machineId;
    this.#scene = scene;
    this.#people = people;
  }

  /** Makes the VM and lets two people in. */
  static async moveIn(scene: SoakScene, name: string): Promise<Resident> {
    // Were it ever taken for empty, it would end within the soak.
    const idle = { timeoutSeconds: 2, firstConnectTimeoutSeconds: 120, silenceTimeoutSeconds: 20 };
    const body = { name, template: 'chat', idle, maxLifetimeSeconds: 24 * 3600 };
    const vm = await scene.createReady(body);
    const people = await joinAs(scene, vm, 'ann', 'bob');
    await scene.see(name, 'seen with two users', ({ connections }) => connections === 2);
    return new Resident(scene, name, vm.machineId, people);
  }

  /** The people talk, and the VM is as it was. */
  async check(): Promise<void> {
    this.#talks += 1;
    const [ann, bob] = this.#people;
    const text = `still here ${this.#talks}`;
    try {
      ann!.say(text);
      await bob!.hears(text);
      const { state, machineId, connections } = await this.#scene.ask(`get ${this.name}`, (calls) =>
        calls.getVm(this.name),
      );
      if (state !== 'running' || machineId !== this.machineId || connections !== 2) {
        this.wrongs.push(`${this.name} with two users was ${state}, ${connections} connections, ${machineId}`);
      }
    } catch (error) {
      this.wrongs.push(`${this.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The VM is deleted under its people. */
  async moveOut(): Promise<void> {
    await this.#scene.destroy(this.name);
    await Promise.all(this.#people.map((person) => person.leave()));
  }
}
