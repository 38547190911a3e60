/** What is waited for, with its time: one line that changes on a terminal, a line for each change elsewhere. */
import { coloured, elapsed, harmless } from './text.ts';

const REDRAW_MS = 100;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const CLEAR_LINE = '\r\u001b[2K';

export class Progress {
  private readonly startedAt = performance.now();
  private readonly stream = process.stderr;
  private readonly isQuiet: boolean;
  private text = '';
  private timer: NodeJS.Timeout | undefined;
  private frame = 0;

  constructor(isQuiet: boolean) {
    this.isQuiet = isQuiet;
  }

  /** What it is now. */
  say(text: string): void {
    if (this.isQuiet || text === this.text) return;
    this.text = text;
    if (!this.stream.isTTY) {
      this.stream.write(`${harmless(text)} (${this.elapsed()})\n`);
      return;
    }
    this.timer ??= setInterval(() => this.draw(), REDRAW_MS);
    this.draw();
  }

  /** Since it began. */
  elapsed(): string {
    return elapsed(performance.now() - this.startedAt);
  }

  /** Takes the changing line away. */
  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.stream.write(CLEAR_LINE);
  }

  private draw(): void {
    const frame = FRAMES[(this.frame += 1) % FRAMES.length] ?? '';
    const time = ` (${this.elapsed()})`;
    const room = Math.max(10, this.stream.columns - time.length - 3);
    const text = harmless(this.text).slice(0, room);
    this.stream.write(
      `${CLEAR_LINE}${coloured(frame, 'cyan', this.stream)} ${text}${coloured(time, 'dim', this.stream)}`,
    );
  }
}
