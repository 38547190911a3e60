/** What a gateway counts: what it passed on, what it refused, what is open now, and what it woke. */
import type { Duplex } from 'node:stream';
import type { MetricRegistry } from '../telemetry/metric-registry.ts';

/** How a visitor comes. */
export type VisitKind = 'http' | 'webSocket' | 'tcp';
const KINDS: readonly VisitKind[] = ['http', 'webSocket', 'tcp'];

/** A connection to a VM knows what went through it; `bytesWritten` is what the visitor sent. */
type Counting = Duplex & { readonly bytesRead?: number; readonly bytesWritten?: number };

export class GatewayMeter {
  readonly #refused: (labels: { kind: string; code: string }) => void;
  readonly #passed: (labels: { kind: string }) => void;
  readonly #woke: (labels: { how: string; outcome: string }) => void;
  readonly #unsaid: () => void;
  readonly #open = new Map<Counting, VisitKind>();
  /** Of connections that are over. */
  readonly #bytes = new Map<VisitKind, { toVm: number; fromVm: number }>();

  constructor(registry: MetricRegistry) {
    this.#refused = registry.counter('ephemera_gateway_refused_total');
    this.#passed = registry.counter('ephemera_gateway_passed_total');
    this.#woke = registry.counter('ephemera_gateway_wakes_total');
    const unsaid = registry.counter('ephemera_gateway_counts_unsaid_total');
    this.#unsaid = () => unsaid({});
    registry.read('ephemera_gateway_connections', () =>
      KINDS.map((kind) => ({ labels: { kind }, value: [...this.#open.values()].filter((one) => one === kind).length })),
    );
    registry.read('ephemera_gateway_bytes_total', () => KINDS.flatMap((kind) => this.#bytesOf(kind)));
  }

  /** A connection to a VM for one visit, which is open until the answer is called. */
  passes(kind: VisitKind, socket: Duplex): () => void {
    this.#passed({ kind });
    this.#open.set(socket, kind);
    return () => {
      if (!this.#open.delete(socket)) return;
      const before = this.#bytes.get(kind) ?? { toVm: 0, fromVm: 0 };
      const { toVm, fromVm } = bytesOf(socket);
      this.#bytes.set(kind, { toVm: before.toVm + toVm, fromVm: before.fromVm + fromVm });
    };
  }

  refuses(kind: VisitKind, code: string): void {
    this.#refused({ kind, code });
  }

  woke(how: 'start' | 'reopen', outcome: 'done' | 'failed'): void {
    this.#woke({ how, outcome });
  }

  /** The API did not take a count. */
  leavesCountUnsaid(): void {
    this.#unsaid();
  }

  #bytesOf(kind: VisitKind): { labels: { kind: string; direction: string }; value: number }[] {
    const now = [...this.#open].filter(([, one]) => one === kind).map(([socket]) => bytesOf(socket));
    const all = [this.#bytes.get(kind) ?? { toVm: 0, fromVm: 0 }, ...now];
    const sum = (of: (bytes: { toVm: number; fromVm: number }) => number): number =>
      all.reduce((total, bytes) => total + of(bytes), 0);
    return [
      { labels: { kind, direction: 'toVm' }, value: sum(({ toVm }) => toVm) },
      { labels: { kind, direction: 'fromVm' }, value: sum(({ fromVm }) => fromVm) },
    ];
  }
}

function bytesOf({ bytesRead = 0, bytesWritten = 0 }: Counting): { toVm: number; fromVm: number } {
  return { toVm: bytesWritten, fromVm: bytesRead };
}
