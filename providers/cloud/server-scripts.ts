/** Start scripts of servers that are told who they are by their user data, at every boot and in memory alone. */
import { MEMORY_DIRECTORY, type ScriptCloud } from './startup-script.ts';

/** Where a server finds its attributes, a file for each. */
export const ATTRIBUTE_DIRECTORY = `${MEMORY_DIRECTORY}/attributes`;

/** `program`: what vm-server is there, and the word by which its agent knows the cloud. */
export function serverScripts(program: string): ScriptCloud {
  return {
    attributeFunction: `attribute() { cat "${ATTRIBUTE_DIRECTORY}/$1"; }`,
    proofFlag: `--${program}`,
    program,
    readsIdentity: true,
    containerHost: 'debian',
  };
}
