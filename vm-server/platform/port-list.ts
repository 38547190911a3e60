import type { PortSpec } from '../../domain/vm/spec.ts';

/** For the machine's console. */
export function portList(ports: readonly PortSpec[]): string {
  return ports.map(({ name, port, protocol }) => `${name} ${port}/${protocol}`).join(', ') || 'no ports';
}
