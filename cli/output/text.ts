/** Words for people: ages, sizes, colours, and texts of machines made harmless. */
import { styleText } from 'node:util';

export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'bold' | 'dim';

/** The text in a colour where that can be seen: on a terminal, unless NO_COLOR is set. */
export function coloured(text: string, colour: Colour, stream: NodeJS.WriteStream = process.stdout): string {
  return hasColour(stream) ? styleText(colour, text, { validateStream: false }) : text;
}

export function hasColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}

/** On one line, and without anything that a terminal would obey: some texts come out of machines. */
export function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}

/** `7s`, `5m`, `3h`, `12d` */
export function shortDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  return whole < 172_800 ? `${Math.floor(whole / 3600)}h` : `${Math.floor(whole / 86_400)}d`;
}

/** `1.2 s`, `4 min 30 s` */
export function elapsed(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** How long ago; `-` for never. */
export function age(at: string | undefined, now: number): string {
  return at === undefined ? '-' : shortDuration((now - Date.parse(at)) / 1000);
}

/** `12 B`, `3.4 MB`, `1.2 GB` */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return '-';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ''}`;
}

/** Columns that a text takes on a terminal, near enough: wide characters of East Asia count twice. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text)
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/u.test(character) ? 2 : 1;
  return width;
}
