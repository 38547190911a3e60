/** The word-count service: one process a processor, all on one port. */
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { availableParallelism } from 'node:os';
import { page, PAGE_HEADERS } from './pages.mjs';
import { countUpload, Refusal } from './upload.mjs';

const {
  EPHEMERA_IP: host = '0.0.0.0',
  PORT = '8080',
  EPHEMERA_PORT_HTTP: port = PORT,
  WORD_COUNT_VERSION: version = '1',
  WORD_COUNT_MAX_BYTES = `${10 * 1024 * 1024}`,
  WORD_COUNT_PROCESSES = `${availableParallelism()}`,
} = process.env;
const MAX_BYTES = Number(WORD_COUNT_MAX_BYTES);
/** What a form has around its file. */
const FORM_BYTES = 64 * 1024;
/** A worker that dies at once is not started again at once. */
const RESTART_MS = 500;
const GRACE_MS = 3000;
const READ_ON_MS = 5000;

if (cluster.isPrimary) beginWorkers(Number(WORD_COUNT_PROCESSES));
else serve();

function beginWorkers(count) {
  let isEnding = false;
  for (let index = 0; index < count; index += 1) cluster.fork();
  cluster.on('exit', () => {
    if (isEnding) {
      if (Object.keys(cluster.workers ?? {}).length === 0) process.exit(0);
    } else setTimeout(() => isEnding || cluster.fork(), RESTART_MS);
  });
  process.on('SIGTERM', () => {
    isEnding = true;
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill('SIGTERM');
    setTimeout(() => process.exit(0), GRACE_MS);
  });
  console.log(`word-count ${version}: ${count} processes on ${host}:${port}, files up to ${MAX_BYTES} bytes`);
}

function serve() {
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  // Whoever sends slowly gives the place to others.
  server.requestTimeout = 60_000;
  server.headersTimeout = 10_000;
  server.maxConnections = 1000;
  server.listen(Number(port), host);
  process.on('SIGTERM', () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}

async function answer(request, response) {
  response.setHeader('x-version', version);
  const [path] = (request.url ?? '/').split('?');
  if (path === '/healthz') return send(response, 200, { 'content-type': 'text/plain' }, 'ok\n');
  if (path !== '/' && path !== '/count')
    return refuse(request, response, new Refusal(404, 'notFound', 'There are / and /count.'));
  if (path === '/' || request.method === 'GET' || request.method === 'HEAD') {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return refuse(request, response, new Refusal(405, 'method', 'Use GET here, and POST /count.'));
    }
    return send(response, 200, PAGE_HEADERS, page({ version }));
  }
  if (request.method !== 'POST') {
    response.setHeader('allow', 'GET, HEAD, POST');
    return refuse(request, response, new Refusal(405, 'method', 'Use POST with a file.'));
  }
  try {
    if (Number(request.headers['content-length'] ?? 0) > MAX_BYTES + FORM_BYTES) {
      throw new Refusal(413, 'tooLarge', `This file is larger than ${MAX_BYTES} bytes.`);
    }
    const counts = await countUpload(request, MAX_BYTES);
    if (wantsPage(request)) send(response, 200, PAGE_HEADERS, page({ version, counts }));
    else send(response, 200, { 'content-type': 'application/json' }, `${JSON.stringify({ ...counts, version })}\n`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    await refuse(request, response, error);
  }
}

async function refuse(request, response, { status, code, message }) {
  if (request.method === 'POST') {
    // A browser that still sends when the connection is closed shows no answer: what is left is read for a while.
    await readOn(request);
    response.setHeader('connection', 'close');
  }
  if (wantsPage(request)) send(response, status, PAGE_HEADERS, page({ version, problem: message }));
  else send(response, status, { 'content-type': 'application/json' }, `${JSON.stringify({ code, detail: message })}\n`);
}

function readOn(request) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, READ_ON_MS);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    if (request.complete || request.destroyed) return end();
    request.once('close', end).once('end', end).resume();
  });
}

function send(response, status, headers, body) {
  response.writeHead(status, headers);
  response.end(body);
}

function wantsPage(request) {
  return (request.headers.accept ?? '').includes('text/html');
}
