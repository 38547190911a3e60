import { readFile } from 'node:fs/promises';
import { ProviderError } from '../../domain/machine/provider-error.ts';
import { goesInClear } from '../../lib/network/plain-url.ts';
import type { DigitalOceanAccess } from './calls/digitalocean-client.ts';
import type { DigitalOceanSettings } from './settings.ts';

/**
 * The token of the file, else of the variable by which DigitalOcean's own tools take it. Null where a server of one's own wants
 * none, and where everybody on the way could read it. Rejects with a message that does not show it.
 */
export async function tokenOf({
  tokenFile,
  endpoint,
}: Pick<DigitalOceanSettings, 'tokenFile' | 'endpoint'>): Promise<DigitalOceanAccess['token']> {
  if (endpoint !== null && goesInClear(endpoint)) return null;
  const text = tokenFile === null ? process.env['DIGITALOCEAN_TOKEN'] : await readFile(tokenFile, 'utf8').catch(unread);
  const token = text?.trim() ?? '';
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  if (token === '' && endpoint?.startsWith('http://')) return null;
  const what = token === '' ? 'there is no token' : 'the token is no line of plain characters';
  throw new ProviderError('permissionDenied', `${what}: set EPHEMERA_DIGITALOCEAN_TOKEN_FILE or DIGITALOCEAN_TOKEN`);
}

function unread(error: NodeJS.ErrnoException): never {
  const text = `the file of EPHEMERA_DIGITALOCEAN_TOKEN_FILE cannot be read (${error.code ?? 'unknown'})`;
  throw new ProviderError('permissionDenied', text);
}
