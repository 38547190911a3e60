/** The client of the package: one file without anything of Node, and its types. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { runCommand } from '../../commands/terminal/run-command.ts';
import { CODE_ROOT } from '../../lib/processes/checkout.ts';

/** By what package.json of the package calls them. */
export const CLIENT = { code: 'client/ephemera.mjs', types: 'client/types/ephemera.d.ts' } as const;

/** Writes both into the folder of the package. @throws Error with what the compiler says. */
export async function packClient(folder: string): Promise<void> {
  await build({
    entryPoints: ['client/ephemera.ts'],
    absWorkingDir: CODE_ROOT,
    outfile: join(folder, CLIENT.code),
    bundle: true,
    platform: 'neutral',
    target: 'es2022',
    format: 'esm',
    keepNames: true,
    logLevel: 'error',
  });
  const { code, output } = await runCommand(
    process.execPath,
    [
      ...[join(CODE_ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'client', '--noEmit', 'false'],
      ...['--declaration', '--emitDeclarationOnly', '--rewriteRelativeImportExtensions', '--rootDir', 'client'],
      ...['--outDir', join(folder, 'client/types')],
    ],
    { cwd: CODE_ROOT },
  );
  if (code !== 0) throw new Error(`the types of the client cannot be made: ${output}`);
}
