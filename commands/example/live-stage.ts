/** The stage of an example on a real API: says each step, and knows what to remove in the end. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  answered,
  ApiRefusal,
  createApiClient,
  type ApiClient,
  type CreateVm,
  type Vm,
} from '../../client/api-client.ts';
import { ExampleError, type Stage } from '../../examples/stage.ts';
import { readTemplates } from '../apply/template-files.ts';
import { coloured, say, ScriptError, step, warn } from '../terminal/terminal.ts';

const REQUEST_DEADLINE_SECONDS = 90;
const READY_SECONDS = 60;
const SEE_SECONDS = 20;
const POLL_MS = 100;
const PROGRAM_DEADLINE_MS = 120_000;

export class LiveStage implements Stage {
  readonly api: ApiClient;
  readonly apiUrl: string;
  readonly apiKey: string;
  readonly root = resolve(import.meta.dirname, '../..');
  readonly #vms = new Set<string>();
  readonly #templates = new Set<string>();

  constructor({ url, key }: { url: string; key: string }) {
    this.apiUrl = url;
    this.apiKey = key;
    this.api = createApiClient({ url, key, deadlineSeconds: REQUEST_DEADLINE_SECONDS });
  }

  async step(name: string, work: () => Promise<unknown>): Promise<void> {
    await step(name, async ({ note }) => {
      const noted = await explained(work());
      if (typeof noted === 'string') note(noted);
    });
  }

  async apply(file: string): Promise<void> {
    await this.step(`npm run apply -- ${file} --yes`, async () => {
      const { templates, mistakes } = readTemplates([join(this.root, file)]);
      if (mistakes.length > 0)
        throw new ScriptError(mistakes.map(({ line, text }) => `${file}:${line}: ${text}`).join('\n'));
      for (const { name } of templates) this.#templates.add(name);
      const output = await this.#program(process.execPath, [
        '--import',
        'tsx',
        'commands/apply.ts',
        file,
        '--yes',
        '--url',
        this.apiUrl,
      ]);
      return output.trim().split('\n').at(-1) ?? '';
    });
  }

  async create(body: CreateVm): Promise<Vm> {
    if (body.name !== undefined) this.#vms.add(body.name);
    const query = { wait: 'ready', timeoutSeconds: READY_SECONDS } as const;
    const vm = await explained(answered(this.api.POST('/v1/vms', { params: { query }, body })));
    this.#vms.add(vm.name);
    if (vm.state !== 'running') throw new ExampleError(`${vm.name} is ${vm.state} and not running: ${vm.detail ?? ''}`);
    return vm;
  }

  get(name: string): Promise<Vm> {
    return explained(answered(this.api.GET('/v1/vms/{name}', { params: { path: { name } } })));
  }

  async see(name: string, what: string, wanted: (vm: Vm) => boolean, deadlineSeconds = SEE_SECONDS): Promise<Vm> {
    const until = Date.now() + deadlineSeconds * 1000;
    for (;;) {
      const vm = await this.get(name);
      if (wanted(vm)) return vm;
      if (Date.now() > until) {
        const { state, reason, connections, aliveBecause, detail } = vm;
        const last = JSON.stringify({ state, reason, connections, aliveBecause, detail });
        throw new ExampleError(`${name}: never ${what} in ${deadlineSeconds} s; last ${last}`);
      }
      await sleep(POLL_MS);
    }
  }

  run(command: string, args: readonly string[]): Promise<string> {
    return this.#program(command, args);
  }

  owns(vmName: string): void {
    this.#vms.add(vmName);
  }

  sayWhatIsLeft(): void {
    const left = [...this.#vms, ...[...this.#templates].map((name) => `template ${name}`)];
    say(`${coloured('!', 'yellow')} left there: ${left.join(', ')}`);
  }

  /** Removes what the example made. What cannot be removed is said, and hides no failure of the example. */
  async remove(): Promise<void> {
    const query = { wait: 'destroyed', timeoutSeconds: READY_SECONDS } as const;
    const removed = async (what: string, asked: Promise<unknown>): Promise<void> => {
      await asked.catch((error: unknown) => {
        if (error instanceof ApiRefusal && [404, 409].includes(error.status)) return;
        warn(`${what} is still there: ${(error as Error).message}`);
      });
    };
    const templates = [...this.#templates].map((name) =>
      removed(`template ${name}`, this.api.DELETE('/v1/templates/{name}', { params: { path: { name } } })),
    );
    const vms = [...this.#vms].map((name) =>
      removed(name, answered(this.api.DELETE('/v1/vms/{name}', { params: { path: { name }, query } }))),
    );
    await Promise.all([...templates, ...vms]);
    const { images } = await answered(this.api.GET('/v1/images'));
    const own = images.filter(({ vm }) => this.#vms.has(vm));
    await Promise.all(
      own.map(({ name }) =>
        removed(`image ${name}`, answered(this.api.DELETE('/v1/images/{name}', { params: { path: { name } } }))),
      ),
    );
  }

  #program(command: string, args: readonly string[]): Promise<string> {
    const env = { ...process.env, EPHEMERA_API_URL: this.apiUrl, EPHEMERA_API_KEY: this.apiKey };
    return new Promise((resolve, reject) => {
      execFile(command, args, { cwd: this.root, env, timeout: PROGRAM_DEADLINE_MS }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new ExampleError(`${command} ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`));
      });
    });
  }
}

/** What an example or the API says is for people; anything else keeps its stack. */
function explained<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    if (error instanceof ExampleError || error instanceof ApiRefusal) throw new ScriptError(error.message);
    throw error;
  });
}
