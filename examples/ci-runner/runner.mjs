/**
 * Runs one job, and tells its agent that the VM is used while it works: `POST /job` with the text of a shell script, then `GET /job` for what it printed so far and its exit code.
 * Whoever asks needs the token that the VM was created with. The job finds an empty directory and nothing of the token.
 */
import { spawn } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';

const { EPHEMERA_IP: host = '0.0.0.0', EPHEMERA_PORT_HTTP: port = '8080', EPHEMERA_DATA_DIR: data = '.' } = process.env;
const { EPHEMERA_AGENT_URL: agent = 'http://127.0.0.1:7398' } = process.env;
const { RUNNER_TOKEN: token, ...environment } = process.env;
if (token === undefined) throw new Error('RUNNER_TOKEN is needed: create the VM with it in secretEnv');
const MAX_SCRIPT_BYTES = 64 * 1024;
const MAX_OUTPUT_CHARACTERS = 1024 * 1024;

let job;

createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
    response.end(`${JSON.stringify(body)}\n`);
  };
  if (!isToken(request.headers.authorization ?? ''))
    return answer(401, { detail: 'the token is not that of this runner' });
  if (request.url !== '/job') return answer(404, { detail: 'there is /job' });
  if (request.method === 'GET') return job === undefined ? answer(404, { detail: 'no job yet' }) : answer(200, job);
  if (request.method !== 'POST') return answer(405, { detail: 'POST a job, or GET it' });
  if (job !== undefined) return answer(409, { detail: 'a runner runs one job; create another VM' });
  job = { state: 'receiving', output: '', exitCode: null };
  const script = await textOf(request);
  if (script === undefined || script.trim() === '') {
    job = undefined;
    return answer(400, { detail: `send a shell script of at most ${MAX_SCRIPT_BYTES} bytes` });
  }
  run(script);
  answer(202, job);
}).listen(Number(port), host, () => {
  console.log(`runner on ${host}:${port}`);
  void tellAgent(0);
});

function run(script) {
  const directory = `${data}/job`;
  mkdirSync(directory, { recursive: true });
  job = { state: 'running', output: '', exitCode: null };
  void tellAgent(1);
  const child = spawn('/bin/sh', ['-e'], { cwd: directory, env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  const take = (chunk) => (job.output = (job.output + chunk).slice(0, MAX_OUTPUT_CHARACTERS));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', take);
  child.on('error', (error) => done(127, `${error.message}\n`));
  child.on('close', (code) => done(code ?? 1, job.output));
  child.stdin.on('error', () => undefined).end(script);
}

function done(exitCode, output) {
  job = { state: 'done', exitCode, output };
  void tellAgent(0);
}

/** How many jobs work. */
function tellAgent(count) {
  return fetch(`${agent}/connections`, { method: 'PUT', body: `${count}` }).catch((error) => {
    console.error(`the agent does not answer: ${error.message}`);
  });
}

function isToken(header) {
  const [sent, own] = [Buffer.from(header), Buffer.from(`Bearer ${token}`)];
  return sent.length === own.length && timingSafeEqual(sent, own);
}

async function textOf(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_SCRIPT_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_SCRIPT_BYTES ? undefined : Buffer.concat(chunks).toString('utf8');
}
