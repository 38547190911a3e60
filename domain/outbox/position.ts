/**
 * Where a reader of live events stands. A replica numbers what it sees in the order in which it saw it, which no other
 * replica shares; so a position also says up to when everything had been seen, which every replica understands.
 */
export interface StreamPosition {
  /** Everything that happened up to then was seen by the replica that gave the position, epoch ms. */
  watermarkMs: number;
  /** Names the numbering of one replica, for as long as its process lives. */
  numbering: string;
  /** Number of the last event before the position in that numbering. */
  sequence: number;
}

const POSITION = /^([0-9a-z]{1,10})\.([0-9a-z]{8})\.([0-9a-z]{1,10})$/;

export function positionText({ watermarkMs, numbering, sequence }: StreamPosition): string {
  return `${Math.max(0, watermarkMs).toString(36)}.${numbering}.${sequence.toString(36)}`;
}

/** Undefined for a text that is no position. */
export function positionIn(text: string): StreamPosition | undefined {
  const [, watermark, numbering, sequence] = POSITION.exec(text) ?? [];
  if (watermark === undefined || numbering === undefined || sequence === undefined) return undefined;
  return { watermarkMs: Number.parseInt(watermark, 36), numbering, sequence: Number.parseInt(sequence, 36) };
}
