import { ProviderError } from '../../domain/machine/provider-error.ts';
import type { ProviderDescriptor } from '../../providers/descriptor.ts';
import type { HostKit, HostTools } from '../../providers/host-tools.ts';
import { PROVIDERS } from '../../providers/registry.ts';
import { buildVmServer } from '../start/build-vm-server.ts';
import { cacheDirectory } from '../temporal/temporal-cli.ts';
import { ScriptError, say, step } from '../terminal/terminal.ts';

/** How providers prepare this computer: with the cache of this user, and steps on this terminal. */
export const HOST_KIT: HostKit = { cacheDir: cacheDirectory(), vmServerFile: buildVmServer, say, step };

/** The provider of virtual machines on computers of one's own, and its tools. */
export async function virtualMachines(): Promise<{ provider: ProviderDescriptor; tools: HostTools<unknown> }> {
  for (const provider of PROVIDERS) {
    const tools = await provider.loadHostTools?.();
    if (tools !== undefined) return { provider, tools };
  }
  throw new ScriptError('no provider makes machines that this computer is prepared for');
}

/** What `work` gives; a ProviderError becomes a mistake for people. */
export async function orScriptError<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    throw error instanceof ProviderError ? new ScriptError(`${error.code}: ${error.message}`, { cause: error }) : error;
  });
}
