/** What goes over a chat's WebSocket, one JSON object a message. */

/** Server -> client. `people` is how many are in the room now. */
export type ChatMessage =
  | { type: 'join'; from: string; room: string; people: number }
  | { type: 'leave'; from: string; room: string; people: number }
  | { type: 'message'; from: string; text: string; room: string; people: number }
  | { type: 'notice'; text: string; room: string; people: number };

/** Client -> server. */
export interface ClientMessage {
  type: 'message';
  text: string;
}

export const CHAT_LIMITS = {
  /** Longest frame of a client; a longer one closes its connection. */
  frameBytes: 16 * 1024,
  textCharacters: 2000,
  nameCharacters: 32,
  /** A client may send this many messages in {@link CHAT_LIMITS.burstSeconds}. */
  burstMessages: 20,
  burstSeconds: 5,
} as const;

const ROOM_PATH = /^\/rooms\/([A-Za-z0-9_-]{1,32})$/;

/** The room in a URL's path, or undefined when the path is no room's. */
export function roomOfPath(path: string): string | undefined {
  return ROOM_PATH.exec(path)?.[1];
}

/** A person's name as it is shown, or undefined when nothing readable is left of it. */
export function cleanName(name: string | null): string | undefined {
  const readable = (name ?? '').replace(/[\p{C}\s]+/gu, ' ').trim();
  const cut = Array.from(readable).slice(0, CHAT_LIMITS.nameCharacters).join('').trim();
  return cut === '' ? undefined : cut;
}

/** The message in a client's frame; throws with a sentence for that client. */
export function parseClientMessage(frame: string): ClientMessage {
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    throw new Error('That was not JSON. Send {"type":"message","text":"…"}.');
  }
  const { type, text } = (value ?? {}) as Record<string, unknown>;
  if (type !== 'message' || typeof text !== 'string' || text.trim() === '') {
    throw new Error('Send {"type":"message","text":"…"} with some text.');
  }
  if (text.length > CHAT_LIMITS.textCharacters) {
    throw new Error(`A message has at most ${CHAT_LIMITS.textCharacters} characters; this one has ${text.length}.`);
  }
  return { type, text };
}
