/**
 * Who people are at a registry: `EPHEMERA_REGISTRY_USER` and `EPHEMERA_REGISTRY_PASSWORD`, else what `docker login` wrote into
 * `~/.docker/config.json`. Never on a command line, and never in what is said.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ProviderError } from '../../../../domain/machine/provider-error.ts';
import { isAbsent } from '../../../../lib/files/absent.ts';

export interface Credentials {
  user: string;
  password: string;
}

const configSchema = z.looseObject({
  auths: z
    .record(
      z.string(),
      z.looseObject({
        auth: z.string().optional(),
        username: z.string().optional(),
        password: z.string().optional(),
        identitytoken: z.string().optional(),
      }),
    )
    .optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

/** Where docker.io keeps its own, by tradition. */
const DOCKER_KEYS = ['https://index.docker.io/v1/', 'index.docker.io', 'docker.io'];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Those for this registry; undefined: it is asked as nobody. @throws ProviderError `imageRefused` for a file that cannot be
 * read, or that names a program which keeps them: none is started here.
 */
export async function credentialsFor(registry: string, env: Environment): Promise<Credentials | undefined> {
  const [user, password] = [env['EPHEMERA_REGISTRY_USER'], env['EPHEMERA_REGISTRY_PASSWORD']];
  if (user && password) return { user, password };
  if (user || password) throw refused('EPHEMERA_REGISTRY_USER and EPHEMERA_REGISTRY_PASSWORD go together: set both');
  const path = join(env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), 'config.json');
  const config = await readConfig(path);
  const keys = registry === 'docker.io' ? DOCKER_KEYS : [registry, `https://${registry}`, `http://${registry}`];
  for (const key of keys) {
    const entry = config?.auths?.[key] ?? config?.auths?.[`${key}/`];
    if (entry?.username && entry.password) return { user: entry.username, password: entry.password };
    const found = entry?.auth === undefined ? undefined : decoded(entry.auth);
    if (found !== undefined) return found;
  }
  if (config?.credHelpers?.[registry] !== undefined || (config?.credsStore && isNamed(config, keys))) {
    throw refused(
      `${path} has the credentials for ${registry} kept by a program, which is not started here: set EPHEMERA_REGISTRY_USER and EPHEMERA_REGISTRY_PASSWORD`,
    );
  }
  return undefined;
}

/** `docker login` leaves an empty entry for what its program keeps. */
function isNamed({ auths = {} }: z.output<typeof configSchema>, keys: readonly string[]): boolean {
  return keys.some((key) => key in auths);
}

function decoded(auth: string): Credentials | undefined {
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}

async function readConfig(path: string): Promise<z.output<typeof configSchema> | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw refused(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  if (text === undefined) return undefined;
  try {
    return configSchema.parse(JSON.parse(text));
  } catch {
    // Never what it holds.
    throw refused(`${path} is no configuration of docker: mend it, or move it away`);
  }
}

function refused(message: string): ProviderError {
  return new ProviderError('imageRefused', message);
}
