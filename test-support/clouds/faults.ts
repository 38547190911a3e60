/** What goes wrong on purpose: answers instead of the real one, and connections that break before or after the effect. */
export type FaultKind =
  /** `reason`: Google's word for it, DigitalOcean's `id`, the `code` of Azure and EC2. */
  | { kind: 'answer'; status: number; reason: string; message: string; headers?: Readonly<Record<string, string>> }
  /** The connection breaks and nothing has happened. */
  | { kind: 'resetBefore' }
  /** The connection breaks after everything has happened. */
  | { kind: 'resetAfter' }
  /** No answer ever comes, though everything has happened. */
  | { kind: 'silence' };

export interface Fault {
  /** `instances.insert`, `droplets.create`; `*` is every method. */
  method: string;
  times: number;
  what: FaultKind;
  /** Only calls whose path contains this. */
  pathPart?: string;
}

export class Faults {
  private readonly planned: Fault[] = [];

  add(fault: Fault): void {
    this.planned.push({ ...fault });
  }

  /** From now on nothing goes wrong. */
  clear(): void {
    this.planned.length = 0;
  }

  /** The fault of this call, used up by it. */
  take(method: string, path: string): FaultKind | undefined {
    const fault = this.planned.find(
      (one) => one.times > 0 && (one.method === '*' || one.method === method) && path.includes(one.pathPart ?? ''),
    );
    if (fault === undefined) return undefined;
    fault.times -= 1;
    return fault.what;
  }
}
