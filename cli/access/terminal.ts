/** The terminal of whoever types, while it belongs to a program in a VM. */
import type { TerminalSize } from '../../client/ephemera.ts';
import { hangsUp, type Typed } from './hang-up.ts';

export interface TerminalStream {
  write: (bytes: Uint8Array) => Promise<void>;
  resize: (size: TerminalSize) => void;
  close: () => void;
}

/** Every key goes to the VM, Ctrl-C too; the result gives the terminal back. */
export function takeTerminal(stream: TerminalStream): () => void {
  const { stdin, stdout } = process;
  let typed: Typed = 'line start';
  const type = (chunk: Buffer): void => {
    const { after, isOver } = hangsUp(typed, chunk.toString('latin1'));
    typed = after;
    if (isOver) stream.close();
    else void stream.write(chunk);
  };
  const resize = (): void => stream.resize({ rows: stdout.rows, columns: stdout.columns });
  stdin.setRawMode(true);
  stdin.on('data', type);
  stdout.on('resize', resize);
  const giveBack = (): void => {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.off('data', type);
    stdin.pause();
    stdout.off('resize', resize);
    process.off('exit', giveBack);
  };
  process.once('exit', giveBack);
  return giveBack;
}
