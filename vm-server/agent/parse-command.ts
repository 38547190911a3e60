import type { AgentCommand } from '../../domain/agent/protocol.ts';
import { parseAssignment } from '../../domain/agent/assignment.ts';

const LONGEST_GRACE_SECONDS = 600;

/**
 * The command in one line of the host. Throws when it is none. A well-formed message of a type that this
 * agent does not know yet is null: a newer host may talk to an older machine.
 */
export function parseCommand(line: string): AgentCommand | null {
  const value = JSON.parse(line) as unknown;
  if (typeof value !== 'object' || value === null) throw new Error('a message is not a JSON object');
  const { type, id, draining, graceSeconds, assignment } = value as Record<string, unknown>;
  if (typeof type !== 'string') throw new Error('a message has no type');
  switch (type) {
    case 'confirm':
      if (typeof id === 'string' && id.length > 0 && id.length <= 64) return { type, id };
      throw new Error('a confirm has no id of 1 to 64 characters');
    case 'drain':
      if (typeof draining === 'boolean') return { type, draining };
      throw new Error('a drain does not say whether to drain');
    case 'shutdown':
      if (typeof graceSeconds === 'number' && graceSeconds >= 0 && graceSeconds <= LONGEST_GRACE_SECONDS) {
        return { type, graceSeconds };
      }
      throw new Error(`a shutdown has no graceSeconds of 0 to ${LONGEST_GRACE_SECONDS}`);
    case 'assign': {
      const parsed = parseAssignment(assignment);
      if (parsed) return { type, assignment: parsed };
      throw new Error('an assign has no assignment');
    }
    default:
      return null;
  }
}
