/**
 * Links that were taken back: of a project, or of one of its VMs, all that were made until then. A file of the state directory, as
 * API keys are: every replica that reads the directory knows of it at once, and gateways ask with the key that verifies links.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replacePrivateFile } from '../../lib/files/private-file.ts';
import { holdLock } from '../../lib/processes/process-lock.ts';
import { projectSchema } from '../keys/keys-file.ts';

export const REVOKED_LINKS_FILE = 'revoked-links.json';
const LOCK_POLL_MS = 20;

const revokedSchema = z.strictObject({
  /** Every link of the project that was made until then opens nothing; epoch ms. */
  all: z.int().min(0).optional(),
  /** By the name of the VM. */
  vms: z.record(z.string(), z.int().min(0)),
});
const fileSchema = z.strictObject({ projects: z.record(projectSchema, revokedSchema) });

/** Of one project; times in epoch ms. */
export type RevokedLinks = z.output<typeof revokedSchema>;

/** @throws Error where the file is damaged: links that were taken back must not open anything because of that. */
export function readRevokedLinks(stateDir: string, project: string): RevokedLinks {
  return ofProject(readAll(stateDir), project);
}

/**
 * Takes back the links of a project, or of one VM of it, that were made until `nowMs`. What is older than `longestLinkSeconds` is
 * forgotten, for no link of then is still good. @throws Error where the file is damaged.
 */
export async function revokeLinks(
  stateDir: string,
  { project, vm }: { project: string; vm: string | null },
  { nowMs, longestLinkSeconds }: { nowMs: number; longestLinkSeconds: number },
): Promise<void> {
  const path = join(stateDir, REVOKED_LINKS_FILE);
  const unlock = await holdLock(`${path}.lock`, { pollMs: LOCK_POLL_MS });
  try {
    const projects = readAll(stateDir);
    const known = ofProject(projects, project);
    const kept = Object.entries(known.vms).filter(([, at]) => at > nowMs - longestLinkSeconds * 1000);
    const revoked: RevokedLinks =
      vm === null ? { all: nowMs, vms: {} } : { ...known, vms: { ...Object.fromEntries(kept), [vm]: nowMs } };
    const next = fileSchema.parse({ projects: { ...projects, [project]: revoked } });
    replacePrivateFile(path, `${JSON.stringify(next, null, 2)}\n`);
  } finally {
    await unlock();
  }
}

/** Whether a link of this VM that was made at `issuedAt` was taken back. */
export function isRevoked(
  { all = -1, vms }: RevokedLinks,
  { name, issuedAt }: { name: string; issuedAt: number },
): boolean {
  return issuedAt <= Math.max(all, Object.hasOwn(vms, name) ? (vms[name] ?? -1) : -1);
}

/** A project may be called as what every object has: `constructor`. */
function ofProject(projects: Record<string, RevokedLinks>, project: string): RevokedLinks {
  return (Object.hasOwn(projects, project) ? projects[project] : undefined) ?? { vms: {} };
}

function readAll(stateDir: string): Record<string, RevokedLinks> {
  const path = join(stateDir, REVOKED_LINKS_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
  try {
    return fileSchema.parse(JSON.parse(text)).projects;
  } catch (error) {
    throw new Error(
      `${path} is damaged; restore it from a backup: without it links that were taken back would open VMs again`,
      {
        cause: error,
      },
    );
  }
}
