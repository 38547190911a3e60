/**
 * `node commands/with-packages.mjs SCRIPT ARGS…`: installs the locked packages where they are missing or out of
 * date, then runs a TypeScript file. Plain JavaScript without any import of a package, so it runs on a fresh clone.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const STAMP = join(ROOT, 'node_modules', '.package-lock-hash');
const MIN_NODE = [20, 19];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const LOOK_FOR_NPM_MS = 300;

function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  fail(
    `Ephemera needs Node.js ${MIN_NODE.join('.')} or newer; this is ${process.versions.node}. See https://nodejs.org.`,
  );
}

/** Runs a program to its end, passing signals on; resolves with its exit code. */
function run(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, ...options });
    const forward = (signal) => child.kill(signal);
    for (const signal of SIGNALS) process.on(signal, forward);
    child.on('error', (error) => fail(`${command} cannot be run: ${error.message}`));
    child.on('exit', (code, signal) => {
      for (const name of SIGNALS) process.off(name, forward);
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** True when what npm says it installed is what the lock file wants; packages for other systems may be absent. */
function isInstalled() {
  try {
    const read = (path) => JSON.parse(readFileSync(join(ROOT, path), 'utf8')).packages;
    const installed = read('node_modules/.package-lock.json');
    const locked = Object.entries(read('package-lock.json')).filter(([path]) => path !== '');
    if (Object.keys(installed).some((path) => !locked.some(([known]) => known === path))) return false;
    return locked.every(([path, { version, optional }]) => {
      const there = installed[path];
      return there === undefined ? optional === true : there.version === version;
    });
  } catch {
    return false;
  }
}

async function ensurePackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lock) return;
  if (isInstalled()) {
    writeFileSync(STAMP, lock);
    return;
  }
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  process.stdout.write('  packages: npm ci …\n');
  const progress = setInterval(() => process.stdout.write(`  packages: still installing (${seconds()} s)\n`), 10_000);
  // npm runs this very script, so its own program is the one to use.
  const npm = process.env.npm_execpath;
  const command = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  // The production mode of a shell must not leave out what the scripts need.
  const args = [...command.slice(1), 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await run(command[0], args, { stdio: 'inherit' });
  clearInterval(progress);
  if (code !== 0) fail(`npm ci failed (exit code ${code}); its message above says why. Then try again.`);
  writeFileSync(STAMP, lock);
  process.stdout.write(`✓ packages (${seconds()} s)\n`);
}

/**
 * Ends this process as a SIGTERM does when npm, which runs it, is gone: nobody else could stop it then. npm is the parent,
 * because scripts of package.json begin with `exec`. The parent of npm does not count: a shell may end and leave npm
 * running in the background. Nor does any parent count where npm does not run this file.
 */
function endWithNpm() {
  if (!process.env.npm_lifecycle_script?.includes('commands/with-packages.mjs')) return;
  const npm = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_FOR_NPM_MS);
  look.unref();
}

const [script, ...args] = process.argv.slice(2);
if (!script) fail('usage: node commands/with-packages.mjs SCRIPT ARGS…');
checkNode();
endWithNpm();
await ensurePackages();
// The channel tells the script when this process is gone, however it ended (commands/terminal/terminal.ts).
const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
process.exitCode = await run(process.execPath, ['--import', 'tsx', script, ...args], { stdio });
