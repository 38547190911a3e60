import type { HostFacts, LeaseStatus } from './state.ts';

/** Everything that can happen to a host; `at` is workflow time, epoch ms. */
export type HostEvent =
  /** It has reconciled its machines and asks for its lease. */
  | { kind: 'announced'; at: number; incarnation: string; facts: HostFacts }
  /** The lease of this number was lost or given back. */
  | { kind: 'leaseEnded'; at: number; lease: number; status: LeaseStatus | null }
  /** The timer of a host that is away has fired. */
  | { kind: 'deadline'; at: number }
  /** Every VM that had a machine here knows that it is lost. */
  | { kind: 'released'; at: number }
  | { kind: 'cordon'; at: number }
  | { kind: 'uncordon'; at: number }
  | { kind: 'drain'; at: number }
  /** No VM is left here. */
  | { kind: 'drained'; at: number }
  | { kind: 'remove'; at: number };

export type HostEventKind = HostEvent['kind'];
