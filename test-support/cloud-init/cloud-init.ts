/** cloud-init of Debian, fetched into a directory of its own: this system neither gets it nor runs it. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const READER = fileURLToPath(new URL('read-datasource.py', import.meta.url));

/** cloud-init and what its datasources import, for this system's Python. */
const PACKAGES = [
  ...['cloud-init', 'pycdlib', 'yaml', 'jinja2', 'markupsafe', 'jsonpatch', 'json-pointer', 'jsonschema', 'attr'],
  ...['pyrsistent', 'oauthlib', 'requests', 'urllib3', 'chardet', 'charset-normalizer', 'idna', 'certifi'],
  ...['configobj', 'six', 'netifaces', 'serial'],
].map((name) => (name === 'cloud-init' ? name : `python3-${name}`));

/** What cloud-init makes of a datasource. */
export interface FoundDatasource {
  found: boolean;
  instanceId: string | null;
  hostname: string | null;
  /** Content types of the parts of its user data. */
  parts: string[];
  /** What is in each of them. */
  texts: string[];
  userData: string | null;
  vendorData: string | null;
}

export interface CloudInit {
  /** Reads the volume in a file, or the datasource at a URL. */
  read: (place: string) => Promise<FoundDatasource>;
  remove: () => Promise<void>;
}

/** Why cloud-init cannot be fetched here, or undefined when it can. In CI that is a failure, so nothing is skipped. */
export function whyNoCloudInit(): string | undefined {
  const isDebian = spawnSync('apt-get', ['--version']).status === 0 && spawnSync('dpkg', ['--version']).status === 0;
  if (process.env['CI'] || isDebian) return undefined;
  const why = "cloud-init's datasource is not tested here: that needs apt-get and dpkg; set CI=true to insist";
  console.warn(`\n! ${why}\n`);
  return why;
}

export async function fetchCloudInit(): Promise<CloudInit> {
  const directory = await mkdtemp(join(tmpdir(), 'eph-cloud-init-'));
  await run('apt-get', ['download', '--quiet=2', ...PACKAGES], { cwd: directory });
  const root = join(directory, 'root');
  const files = (await readdir(directory)).filter((name) => name.endsWith('.deb'));
  for (const file of files) await run('dpkg', ['-x', join(directory, file), root]);
  let reads = 0;
  return {
    read: async (place) => {
      const own = join(directory, `read-${++reads}`);
      await mkdir(own);
      const { stdout } = await run('python3', [READER, root, own, place]);
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as FoundDatasource;
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
