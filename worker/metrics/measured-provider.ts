import type { CallContext, MachineProvider } from '../../domain/machine/provider.ts';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { MetricRegistry } from '../../telemetry/metric-registry.ts';

/** Told of each call of a provider that ended. */
export type CallObserver = (operation: string, code: string, seconds: number) => void;

/** Observes the calls of one provider in the metrics. */
export function providerObserver(registry: MetricRegistry): (provider: string) => CallObserver {
  const count = registry.counter('ephemera_provider_operations_total');
  const observe = registry.histogram('ephemera_provider_operation_duration_seconds');
  return (provider) => (operation, code, seconds) => {
    count({ provider, operation, code });
    observe({ provider, operation }, seconds);
  };
}

/**
 * The same provider with each of its calls observed, those of its parts (`power`, `images`) as `power.stop`. Methods
 * that are added to the interface are observed without a word here.
 */
export function measuredProvider(provider: MachineProvider, observe: CallObserver): MachineProvider {
  return measured(provider, '', observe);
}

function measured<Part extends object>(part: Part, prefix: string, observe: CallObserver): Part {
  const known = new Map<PropertyKey, unknown>();
  return new Proxy(part, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof key !== 'string') return value;
      if (!known.has(key)) known.set(key, measuredMember(target, value, `${prefix}${key}`, observe));
      return known.get(key);
    },
  });
}

function measuredMember(target: object, value: unknown, name: string, observe: CallObserver): unknown {
  if (typeof value === 'object' && value !== null) return measured(value, `${name}.`, observe);
  if (typeof value !== 'function') return value;
  return (...args: unknown[]): unknown => {
    const result: unknown = Reflect.apply(value, target, args);
    return result instanceof Promise ? observed(result, args, name, observe) : result;
  };
}

async function observed(
  call: Promise<unknown>,
  args: unknown[],
  name: string,
  observe: CallObserver,
): Promise<unknown> {
  const startedAt = performance.now();
  const end = (code: string): void => observe(name, code, (performance.now() - startedAt) / 1000);
  try {
    const result = await call;
    end('ok');
    return result;
  } catch (error) {
    end(codeOf(error, args));
    throw error;
  }
}

function codeOf(error: unknown, args: unknown[]): string {
  if (error instanceof ProviderError) return error.code;
  return (args.at(-1) as CallContext).signal.aborted ? 'cancelled' : 'unexpected';
}
