/**
 * What an agent that reports over HTTP and the API say to each other on the WebSocket of `GET /v1/agent/link`, one line a message:
 * frames of streams (streams/frames.ts), and of the agent alone each newer report token.
 */

/** Codes with which the API closes a link. */
export const LINK_CLOSE = {
  /** The API closes: another replica takes the agent. */
  closing: 1001,
  /** No honest agent sends what this one sent. */
  refused: 1008,
  /** The token is not good any more: its machine is not the current one of a live VM, or a newer token did not come in time. */
  tokenEnded: 4401,
  /** Another connection of the machine came. */
  replaced: 4409,
} as const;

const TOKEN_START = '{"type":"token",';
const MOST_TOKEN_CHARACTERS = 2048;

export function tokenLine(token: string): string {
  return `${TOKEN_START}"token":${JSON.stringify(token)}}`;
}

/** The token in a line, or undefined when it is none. */
export function parseTokenLine(line: string): string | undefined {
  if (!line.startsWith(TOKEN_START) || line.length > 2 * MOST_TOKEN_CHARACTERS) return undefined;
  try {
    const { token } = JSON.parse(line) as { token?: unknown };
    return typeof token === 'string' && token.length <= MOST_TOKEN_CHARACTERS ? token : undefined;
  } catch {
    return undefined;
  }
}
