/**
 * What the image starts: `api`, `worker`, or a command of `ephemera`. A secret may come as a file: EPHEMERA_SECRET_KEY_FILE names one that
 * holds EPHEMERA_SECRET_KEY, so that it stands in no description of a container. docs/deploy.md
 */
import { readFileSync } from 'node:fs';

const SECRETS = ['EPHEMERA_SECRET_KEY', 'EPHEMERA_API_KEY', 'EPHEMERA_METRICS_TOKEN', 'TEMPORAL_API_KEY'];
const PROGRAMS = { api: 'api.main.mjs', worker: 'worker.main.mjs' };

for (const name of SECRETS) {
  const path = process.env[`${name}_FILE`];
  if (path === undefined || path === '') continue;
  try {
    process.env[name] = readFileSync(path, 'utf8').trim();
  } catch (error) {
    console.error(`${name}_FILE: ${error.message}`);
    process.exit(1);
  }
  Reflect.deleteProperty(process.env, `${name}_FILE`);
}

const name = process.argv[2] ?? '--help';
const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
const file = new URL(`../../dist/${program ?? 'cli.mjs'}`, import.meta.url);
// The program sees itself as what was started.
process.argv.splice(1, program === undefined ? 1 : 2, file.pathname);
await import(file.href);
