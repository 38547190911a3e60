import type { CallPurpose } from '../domain/capacity/call-budget.ts';
import type { CallContext, MachineProvider } from '../domain/machine/provider.ts';
import { ProviderError } from '../domain/machine/provider-error.ts';
import type { CallBudget, CallRequest } from '../providers/call-budget.ts';

/** For whom the calls are made. */
export interface PacedCaller extends Omit<CallRequest, 'purpose'> {
  /** Of calls that neither create nor destroy. */
  purpose: Exclude<CallPurpose, 'destroy'>;
  /** Hears why a call waits, and null when it waits no more. */
  onWait?: (why: string | null) => void;
}

/** The call is throttled; the same call later keeps its place. */
export class CallThrottled extends ProviderError {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number) {
    super('rateLimited', message);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * The same provider within a budget: each operation waits for its turn first. One that has none within the caller's
 * patience fails with {@link CallThrottled} before anything was done.
 */
export function pacedProvider(
  provider: MachineProvider,
  budget: CallBudget,
  caller: () => PacedCaller,
): MachineProvider {
  return paced(provider, budget, caller);
}

type Operation = (...values: unknown[]) => unknown;

/** Whatever operations a provider has, those of its `power` and `images` included, so that none slips by. */
function paced<Operations extends object>(
  operations: Operations,
  budget: CallBudget,
  caller: () => PacedCaller,
): Operations {
  return new Proxy(operations, {
    get: (target, name) => {
      const part = Reflect.get(target, name) as unknown;
      if (typeof part === 'object' && part !== null) return paced(part, budget, caller);
      if (typeof part !== 'function') return part;
      const operation = part as Operation;
      return async (...values: unknown[]): Promise<unknown> => {
        // The type of MachineProvider has it so: the last argument of every operation is its call.
        const { signal } = values.at(-1) as CallContext;
        await awaitTurn(name, signal, budget, caller());
        return operation.apply(target, values);
      };
    },
  });
}

async function awaitTurn(
  operation: string | symbol,
  signal: CallContext['signal'],
  budget: CallBudget,
  { purpose, onWait, ...request }: PacedCaller,
): Promise<void> {
  const own = PURPOSES.get(operation) ?? purpose;
  try {
    const answer = await budget.admit({ ...request, purpose: own, ...(onWait ? { onWait } : {}) }, signal);
    if (answer.kind === 'refused') throw new CallThrottled(answer.message, answer.retryAfterMs);
  } finally {
    onWait?.(null);
  }
}

const PURPOSES: ReadonlyMap<string | symbol, CallPurpose> = new Map([
  ['create', 'starting'],
  ['destroy', 'destroy'],
] satisfies [keyof MachineProvider, CallPurpose][]);
