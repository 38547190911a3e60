/** Asks for a secret, which is not shown while it is typed. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { Interrupted } from '../context.ts';
import { usageError } from '../exit-codes.ts';

/** @throws CliError where nobody can be asked, Interrupted for Ctrl-C. */
export function askSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw usageError('nobody can be asked here: give the key with --key-file FILE, - for standard input');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  // From here on nothing that is typed is shown.
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      process.stderr.write('\n');
      settle();
      terminal.close();
    };
    terminal.once('SIGINT', () => end(() => reject(new Interrupted())));
    terminal.once('line', (line) => end(() => resolve(line.trim())));
    terminal.once('close', () => reject(usageError('no key was typed')));
  });
}
