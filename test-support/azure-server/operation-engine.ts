/** Long-running operations: under way for a while, then with the end that they come to, and followed at a URL of their own. */
import { randomUUID } from 'node:crypto';
import type { OperationError } from './arm-error.ts';

export interface Operation {
  id: string;
  /** `Microsoft.Compute`. */
  namespace: string;
  location: string;
  status: 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled';
  startTime: string;
  endTime?: string;
  error?: OperationError;
}

export interface OperationStart {
  /** As calls are counted: `virtualMachines.createOrUpdate`. */
  method: string;
  namespace: string;
  location: string;
  /** Done one after the other, each a step later than the one before; one that returns an error is the last. */
  steps: readonly (() => OperationError | undefined)[];
  /** When it fails by a planned error or is preempted, instead of the steps that are left. */
  failed?: (error: OperationError) => void;
}

const PREEMPTED = {
  code: 'OperationPreempted',
  message: 'Operation execution has been preempted by a more recent operation.',
};

export class OperationEngine {
  readonly operations = new Map<string, Operation>();
  /** Errors with which the next operations of a method end, whatever they would have done. */
  readonly failNext = new Map<string, { error: OperationError; times: number }>();
  /** How long a step takes; may be changed while the server runs. */
  stepMs: number;
  readonly #running = new Map<string, { timer: NodeJS.Timeout; start: OperationStart }>();

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  start(start: OperationStart): Operation {
    const { namespace, location, method } = start;
    const startTime = new Date().toISOString();
    const operation: Operation = { id: randomUUID(), namespace, location, status: 'InProgress', startTime };
    this.operations.set(operation.id, operation);
    this.#later(operation, start, () => {
      const planned = this.failNext.get(method);
      if (planned === undefined || planned.times <= 0) {
        this.#step(operation, start, 0);
        return;
      }
      planned.times -= 1;
      this.#fail(operation, start, planned.error);
    });
    return operation;
  }

  /** Ends it for a more recent one. */
  preempt(operation: Operation | undefined): void {
    const running = operation === undefined ? undefined : this.#running.get(operation.id);
    if (operation === undefined || running === undefined) return;
    clearTimeout(running.timer);
    this.#fail(operation, running.start, PREEMPTED);
  }

  isRunning(operation: Operation | undefined): boolean {
    return operation?.status === 'InProgress';
  }

  close(): void {
    for (const { timer } of this.#running.values()) clearTimeout(timer);
    this.#running.clear();
  }

  #step(operation: Operation, start: OperationStart, index: number): void {
    const error = start.steps[index]?.();
    if (error !== undefined) this.#fail(operation, start, error);
    else if (index + 1 >= start.steps.length) this.#end(operation, 'Succeeded');
    else this.#later(operation, start, () => this.#step(operation, start, index + 1));
  }

  #fail(operation: Operation, start: OperationStart, error: OperationError): void {
    start.failed?.(error);
    operation.error = error;
    this.#end(operation, 'Failed');
  }

  #end(operation: Operation, status: Operation['status']): void {
    this.#running.delete(operation.id);
    operation.status = status;
    operation.endTime = new Date().toISOString();
  }

  #later(operation: Operation, start: OperationStart, work: () => void): void {
    this.#running.set(operation.id, { timer: setTimeout(work, this.stepMs), start });
  }
}
