/**
 * `node run-job.mjs FILE`: gives the shell script in FILE a VM of its own, prints what it prints, and ends with its exit code.
 * It holds the VM until it has read the end of the job, some seconds at a time: when this program is gone, so is the hold, and
 * the VM ends once the job has.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const { EPHEMERA_API_URL: api = 'http://127.0.0.1:7400', EPHEMERA_API_KEY: key } = process.env;
const HOLD_SECONDS = 30;
const RENEW_MS = 10_000;
const POLL_MS = 500;
const DEADLINE_MS = 10_000;

const script = readFileSync(process.argv[2] ?? '/dev/stdin', 'utf8');
const token = randomUUID();
const vm = await ephemera('POST', '/v1/vms?wait=ready', { template: 'ci-runner', secretEnv: { RUNNER_TOKEN: token } });
console.error(`${vm.name} at ${vm.address.ip}`);
const hold = (seconds) => ephemera('POST', `/v1/vms/${vm.name}/hold`, { seconds });
await hold(HOLD_SECONDS);
const renewal = setInterval(() => hold(HOLD_SECONDS).catch((error) => console.error(error.message)), RENEW_MS);
let job = await runner('POST', script);
let printed = 0;
while (job.state !== 'done') {
  await sleep(POLL_MS);
  job = await runner('GET');
  process.stdout.write(job.output.slice(printed));
  printed = job.output.length;
}
clearInterval(renewal);
// Nobody needs it any more: idleness ends it.
await hold(0);
console.error(`exit code ${job.exitCode}`);
process.exitCode = job.exitCode;

function ephemera(method, path, body) {
  return call(`${api}${path}`, { method, body: JSON.stringify(body) }, key, 60_000);
}

function runner(method, body) {
  return call(`http://${vm.address.ip}:${vm.address.ports[0].port}/job`, { method, body }, token, DEADLINE_MS);
}

async function call(url, options, bearer, deadlineMs) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  const response = await fetch(url, { ...options, headers, signal: AbortSignal.timeout(deadlineMs) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${answer.detail}`);
  return answer;
}
