import type { Logger } from 'pino';
import type { Vm } from '../../client/api-client.ts';
import type { GatewayMeter } from '../gateway-meter.ts';
import { Refused, type Refusal } from '../refusal.ts';
import type { ApiCalls } from './api-calls.ts';
import type { VmLookup } from './vm-lookup.ts';

/** A VM that could not be woken is tried again no sooner, however many visitors come. */
const AGAIN_MS = 5000;
const MAX_FAILURES = 1000;

/** Wakes VMs: one request of the API for each, whoever waits for it. */
export class Wakes {
  readonly #calls: Pick<ApiCalls, 'start' | 'reopen'>;
  readonly #lookup: Pick<VmLookup, 'see' | 'forget'>;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #meter: Pick<GatewayMeter, 'woke'> | undefined;
  readonly #now: () => number;
  readonly #under = new Map<string, Promise<Vm>>();
  readonly #failures = new Map<string, { refusal: Refusal; until: number }>();

  constructor(
    calls: Pick<ApiCalls, 'start' | 'reopen'>,
    lookup: Pick<VmLookup, 'see' | 'forget'>,
    {
      log,
      meter,
      now = Date.now,
    }: { log: Pick<Logger, 'info' | 'warn'>; meter?: Pick<GatewayMeter, 'woke'>; now?: () => number },
  ) {
    this.#calls = calls;
    this.#lookup = lookup;
    this.#log = log;
    this.#meter = meter;
    this.#now = now;
  }

  /** Why the VM was not woken a moment ago; undefined where it was, or nobody tried. */
  failure(project: string, name: string): Refusal | undefined {
    const failed = this.#failures.get(`${project}/${name}`);
    return failed !== undefined && failed.until > this.#now() ? failed.refusal : undefined;
  }

  /** Resolves with the VM once it is ready, or as it is after some time. @throws Refused. */
  wake(project: string, name: string, how: 'start' | 'reopen'): Promise<Vm> {
    const key = `${project}/${name}`;
    const under = this.#under.get(key);
    if (under !== undefined) return under;
    const failed = this.failure(project, name);
    if (failed !== undefined) return Promise.reject(new Refused(failed));
    const vm = this.#wake(key, { project, name, how }).finally(() => this.#under.delete(key));
    // Those who look at a page wait for nothing, and hear of it at their next look.
    vm.catch(() => undefined);
    this.#under.set(key, vm);
    return vm;
  }

  async #wake(
    key: string,
    { project, name, how }: { project: string; name: string; how: 'start' | 'reopen' },
  ): Promise<Vm> {
    this.#log.info({ project, vm: name, how }, 'a visitor wakes a VM');
    try {
      const vm = await this.#calls[how](project, name);
      this.#meter?.woke(how, 'done');
      this.#failures.delete(key);
      this.#lookup.see(vm);
      return vm;
    } catch (error) {
      this.#meter?.woke(how, 'failed');
      this.#lookup.forget(project, name);
      if (error instanceof Refused) {
        const { code } = error.refusal;
        this.#log.warn({ project, vm: name, code }, 'a VM was not woken');
        this.#remember(key, error.refusal);
      }
      throw error;
    }
  }

  #remember(key: string, refusal: Refusal): void {
    this.#failures.delete(key);
    this.#failures.set(key, { refusal, until: this.#now() + AGAIN_MS });
    const oldest = this.#failures.keys().next().value;
    if (this.#failures.size > MAX_FAILURES && oldest !== undefined) this.#failures.delete(oldest);
  }
}
