/**
 * A small editor in a browser: files of one directory, which outlives the machine. It tells its agent that somebody is there
 * until nobody has asked it anything for a while; an open page asks. `GET /files`, `GET|PUT|DELETE
 * /files/NAME`; everybody who asks gives the password that the VM was created with (user name: any).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';

const { EPHEMERA_IP: host = '0.0.0.0', EPHEMERA_PORT_HTTP: port = '8080', EPHEMERA_DATA_DIR: data = '.' } = process.env;
const { SANDBOX_PASSWORD: password } = process.env;
if (password === undefined) throw new Error('SANDBOX_PASSWORD is needed: create the VM with it in secretEnv');
const { EPHEMERA_AGENT_URL: agent = 'http://127.0.0.1:7398', SANDBOX_PRESENCE_SECONDS = '60' } = process.env;
const directory = join(data, 'files');
mkdirSync(directory, { recursive: true });
const NAME = /^(?!\.)[\w.-]{1,64}$/;
const MAX_BYTES = 1024 * 1024;
const page = await readFile(new URL('page.html', import.meta.url), 'utf8');

createServer((request, response) => {
  answer(request, response).catch((error) => {
    const isAbsent = error.code === 'ENOENT';
    if (!isAbsent) console.error(error);
    if (!response.headersSent) response.writeHead(isAbsent ? 404 : 500, { 'content-type': 'text/plain' });
    response.end(isAbsent ? 'There is no such file.\n' : 'That failed; the console says why.\n');
  });
}).listen(Number(port), host, () => {
  console.log(`sandbox on ${host}:${port}, files in ${directory}`);
  void tellAgent(0);
});

let leaving;
/** Somebody asked just now. */
function seen() {
  if (leaving === undefined) void tellAgent(1);
  clearTimeout(leaving);
  leaving = setTimeout(
    () => {
      leaving = undefined;
      void tellAgent(0);
    },
    Number(SANDBOX_PRESENCE_SECONDS) * 1000,
  );
}

function tellAgent(count) {
  return fetch(`${agent}/connections`, { method: 'PUT', body: `${count}` }).catch((error) => {
    console.error(`the agent does not answer: ${error.message}`);
  });
}

async function answer(request, response) {
  const send = (status, type, body) => {
    response.writeHead(status, {
      'content-type': `${type}; charset=utf-8`,
      'x-content-type-options': 'nosniff',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; sandbox allow-scripts allow-same-origin allow-forms",
      'cache-control': 'no-store',
    });
    response.end(body);
  };
  if (!isAllowed(request.headers.authorization ?? '')) {
    response.setHeader('www-authenticate', 'Basic realm="sandbox", charset="UTF-8"');
    return send(401, 'text/plain', 'The password is that of this sandbox.\n');
  }
  seen();
  const [pathname = '/'] = (request.url ?? '/').split('?');
  if (pathname === '/presence') return send(200, 'text/plain', 'You are here.\n');
  if (pathname === '/') return send(200, 'text/html', page);
  if (pathname === '/files') return send(200, 'application/json', JSON.stringify(await names()));
  // Names need no escapes, so one that has some is refused as it is.
  const name = /^\/files\/([^/]+)$/.exec(pathname)?.[1] ?? '';
  if (!NAME.test(name)) return send(404, 'text/plain', 'A file has a name of at most 64 letters, digits, . - and _.\n');
  // A page of somebody else may not write with the password that the browser keeps.
  const isForeign = !['same-origin', 'none', undefined].includes(request.headers['sec-fetch-site']);
  if (request.method !== 'GET' && isForeign) return send(403, 'text/plain', 'Not from another page.\n');
  const path = join(directory, name);
  if (request.method === 'GET') return send(200, 'text/plain', await readFile(path));
  if (request.method === 'DELETE') {
    await rm(path);
    return send(200, 'text/plain', `${name} is gone.\n`);
  }
  if (request.method !== 'PUT') return send(405, 'text/plain', 'GET, PUT or DELETE.\n');
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes <= MAX_BYTES) chunks.push(chunk);
  }
  if (bytes > MAX_BYTES) return send(413, 'text/plain', 'A file has at most 1 MiB.\n');
  // Whole or not at all, also when the machine stops in this moment.
  await writeFile(join(directory, `.${name}.new`), Buffer.concat(chunks));
  await rename(join(directory, `.${name}.new`), path);
  return send(200, 'text/plain', `${name} is saved.\n`);
}

async function names() {
  return (await readdir(directory)).filter((name) => NAME.test(name)).sort();
}

function isAllowed(header) {
  const sent = Buffer.from(header.replace(/^Basic\s+/i, ''), 'base64').toString('utf8');
  const digest = (text) => createHash('sha256').update(text).digest();
  return sent.includes(':') && timingSafeEqual(digest(sent.slice(sent.indexOf(':') + 1)), digest(password));
}
