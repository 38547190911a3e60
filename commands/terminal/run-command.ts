import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import { ScriptError, coloured, duration, say } from './terminal.ts';

export interface CommandResult {
  code: number;
  output: string;
}

export interface CommandOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** Show the output while it comes; else it is only collected. */
  show?: boolean;
}

/** Runs a program to its end; a program that cannot be started counts as failed. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        chunks.push(text);
        if (options.show) process.stdout.write(text);
      });
    }
    const forward = (signal: NodeJS.Signals): boolean => child.kill(signal);
    const settle = (code: number, more = ''): void => {
      process.off('SIGTERM', forward);
      process.off('SIGINT', forward);
      resolve({ code, output: chunks.join('') + more });
    };
    process.on('SIGTERM', forward);
    process.on('SIGINT', forward);
    child.on('error', (error) => settle(127, `${command}: ${error.message}\n`));
    child.on('close', (code) => settle(code ?? 1));
  });
}

/** One gate: a name for its line and the program that holds it. */
export interface Gate {
  name: string;
  command: string;
  args: readonly string[];
}

/**
 * Runs the gates, as many at once as there are cores, one line each; shows the output of those that fail.
 * @throws ScriptError naming the failed ones.
 */
export async function runGates(gates: readonly Gate[], cwd: string): Promise<void> {
  const failed: { gate: Gate; output: string }[] = [];
  await inParallel(gates, Math.max(2, availableParallelism()), async (gate) => {
    const startedAt = Date.now();
    const { code, output } = await runCommand(gate.command, gate.args, { cwd });
    const took = coloured(`(${duration(Date.now() - startedAt)})`, 'dim');
    say(`${code === 0 ? coloured('✓', 'green') : coloured('✗', 'red')} ${gate.name} ${took}`);
    if (code !== 0) failed.push({ gate, output });
  });
  for (const { gate, output } of failed) {
    say(`\n${coloured(`── ${gate.name}: ${gate.command} ${gate.args.join(' ')}`, 'bold')}\n${output.trimEnd()}`);
  }
  if (failed.length > 0) throw new ScriptError(`check failed: ${failed.map(({ gate }) => gate.name).join(', ')}`);
}
