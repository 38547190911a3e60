/** The volumes with which machines of any image get their agent. Equal parts make equal volumes. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AGENT_VOLUME_LABEL, AGENT_VOLUME_START, NODE_VOLUME_LABEL } from '../../../domain/machine/cloud-init.ts';
import { isoVolume } from './iso-volume.ts';
import { nodeFiles } from './system-parts.ts';

const START = fileURLToPath(new URL('../../../deploy/image/start-agent', import.meta.url));

/** The vm-server file and what starts it: small, and different for each checkout. */
export function agentVolume(vmServerFile: string): Promise<Uint8Array> {
  return volumeOf(AGENT_VOLUME_LABEL, [
    { name: AGENT_VOLUME_START, path: START },
    { name: 'vm-server.cjs', path: vmServerFile },
  ]);
}

/** This computer's Node, its libraries and the loader that starts it with them: large, and the same for months. */
export async function nodeVolume(): Promise<Uint8Array> {
  const { node, libraries } = await nodeFiles();
  const loader = libraries.find((path) => basename(path).startsWith('ld-'));
  return volumeOf(NODE_VOLUME_LABEL, [
    { name: 'node', path: node },
    ...libraries.map((path) => ({ name: path === loader ? 'ld.so' : basename(path), path })),
  ]);
}

async function volumeOf(label: string, places: { name: string; path: string }[]): Promise<Uint8Array> {
  const files = places.map(async ({ name, path }) => ({ name, content: await readFile(path) }));
  return isoVolume(label, await Promise.all(files));
}
