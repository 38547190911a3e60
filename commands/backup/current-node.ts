import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../terminal/run-command.ts';
import { cacheDirectory } from '../temporal/temporal-cli.ts';

/** The current long-term-support version, on which the unit tests run a second time. */
const CURRENT_NODE = '24.21.0';

/**
 * Path of a current Node.js from the package registry, kept outside the checkout, or why there is none. This
 * process's own when it is as new.
 */
export async function findOrGetCurrentNode(): Promise<{ path: string; version: string } | { missing: string }> {
  if (Number(process.versions.node.split('.')[0]) >= Number(CURRENT_NODE.split('.')[0])) {
    return { path: process.execPath, version: process.versions.node };
  }
  const name = `node-${process.platform}-${process.arch}`;
  const directory = join(cacheDirectory(), `node-${CURRENT_NODE}`);
  const path = join(directory, 'node_modules', name, 'bin', 'node');
  if (!existsSync(path)) {
    const args = ['install', '--prefix', directory, '--no-audit', '--no-fund', '--ignore-scripts'];
    const { code, output } = await runCommand('npm', [...args, `${name}@${CURRENT_NODE}`], { cwd: '/' });
    if (code !== 0) return { missing: `npm cannot install ${name}@${CURRENT_NODE}: ${output.trim().slice(-300)}` };
  }
  const { code, output } = await runCommand(path, ['--version'], { cwd: '/' });
  const version = output.trim().replace(/^v/, '');
  return code === 0 ? { path, version } : { missing: `${path} does not run: ${output.trim().slice(-300)}` };
}
