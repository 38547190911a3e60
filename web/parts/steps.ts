/** Values over time that hold until the next one, as lines with corners. */
export interface Step {
  /** Epoch ms. */
  at: number;
  value: number;
}

export interface Frame {
  width: number;
  height: number;
  /** Epoch ms. */
  from: number;
  to: number;
  /** The value at the upper edge. */
  most: number;
}

/** The path of an SVG: what was true before the frame begins at its left edge, what is true last goes on to its right one. */
export function stepPath(steps: readonly Step[], frame: Frame): string {
  const before = steps.filter(({ at }) => at < frame.from).at(-1);
  const inside = steps.filter(({ at }) => at >= frame.from && at <= frame.to);
  const first = before === undefined ? undefined : { at: frame.from, value: before.value };
  const drawn = [...(first === undefined ? [] : [first]), ...inside];
  let path = '';
  for (const { at, value } of drawn) {
    const [x, y] = [xOf(at, frame), yOf(value, frame)];
    path += path === '' ? `M${x} ${y}` : `H${x}V${y}`;
  }
  return path === '' ? '' : `${path}H${rounded(frame.width)}`;
}

export function xOf(at: number, { width, from, to }: Frame): number {
  return rounded(to === from ? 0 : ((at - from) / (to - from)) * width);
}

export function yOf(value: number, { height, most }: Frame): number {
  return rounded(height - (value / Math.max(1, most)) * height);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
