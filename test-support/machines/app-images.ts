/** Container images made of what this computer has: a chat for Node, an HTTP app for Python, and static programs alone. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HOST_KIT } from '../../commands/image/host-kit.ts';
import {
  directory,
  layerOf,
  writeDockerArchive,
  writeOciArchive,
  writeOciLayout,
  type LayerFile,
} from './container-archive.ts';
import { udpEchoProgram } from './udp-echo-program.ts';

/** Where the static program is once the image for guests is made. */
const BUSYBOX = join(HOST_KIT.cacheDir, 'image-parts', 'root', 'bin', 'busybox');
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/** Everything that is said of these by their archive, and looked at in the guest. */
export const OWNED_FILES: readonly LayerFile[] = [
  { name: 'srv/setuid', content: 'x', mode: 0o4755, uid: 0, gid: 0 },
  { name: 'srv/private', content: 'x', mode: 0o640, uid: 70_000, gid: 70_001 },
  { name: 'srv/sticky', type: 'directory', mode: 0o1777, uid: 101, gid: 29 },
  { name: 'srv/link', type: 'symlink', target: 'private', mode: 0o777, uid: 7, gid: 8 },
  { name: 'srv/hidden', content: 'of the first layer' },
];

/** Says on GET / what it is and what it sees; counts its starts on its disk; ends at GET /exit. */
const PYTHON_APP = `
import http.server, json, os, signal, sys, threading
def stopped(number, frame):
    print('STOPPED BY', signal.Signals(number).name, flush=True)
    os._exit(0)
signal.signal(signal.SIGUSR1, stopped)
starts = int(open('/data/starts').read()) + 1 if os.path.exists('/data/starts') else 1
open('/data/starts', 'w').write(str(starts))
def facts(name):
    try:
        found = os.lstat('/' + name)
        return {'mode': found.st_mode & 0o7777, 'uid': found.st_uid, 'gid': found.st_gid}
    except FileNotFoundError:
        return None
class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/exit': os._exit(7)
        body = json.dumps({
            'pid': os.getpid(), 'ids': [os.getuid(), os.getgid(), sorted(os.getgroups())], 'cwd': os.getcwd(), 'env': dict(os.environ),
            'starts': starts, 'files': {name: facts(name) for name in sys.argv[1:]}, 'root': facts(''),
        }).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(('0.0.0.0', int(os.environ.get('PORT', '8080'))), App).serve_forever()
`;

/** What one says all hear. */
const NODE_CHAT = `
const users = new Set();
require('node:net').createServer((user) => {
  users.add(user);
  user.on('data', (line) => users.forEach((other) => other.write(line)));
  user.on('error', () => undefined);
  user.on('close', () => users.delete(user));
}).listen(Number(process.env.CHAT_PORT), () => console.log('CHAT WITH', process.env.TOKEN));
`;

/** Writes `docker save`'s archive of the Python app, whose second layer hides a file of the first. */
export async function writePythonImage(path: string): Promise<void> {
  const files = await pythonFiles();
  const users = [
    { name: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\nweb:x:101:102::/srv:/bin/false\n' },
    { name: 'etc/group', content: 'audio:x:29:web\n' },
  ];
  const data = directory('data', { uid: 101, gid: 102 });
  const first = layerOf([directory('./', { mode: 0o751, gid: 9 }), ...files, ...users, ...OWNED_FILES, data]);
  const names = OWNED_FILES.map(({ name }) => name);
  const second = layerOf([{ name: 'srv/.wh.hidden' }, { name: 'app.py', content: PYTHON_APP }]);
  const config = {
    Entrypoint: [await pythonPath(), '-I', '-S', '/app.py'],
    Cmd: names,
    User: 'web',
    WorkingDir: '/srv/made',
    Env: ['FROM=image', 'BOTH=image'],
    StopSignal: 'SIGUSR1',
    ExposedPorts: { '8080/tcp': {} },
  };
  await writeDockerArchive(path, { layers: [first, second], config, tag: 'test/python-app:1' });
}

/** Writes an OCI archive of the chat, with this Node. */
export async function writeNodeImage(path: string): Promise<void> {
  const node = await programFiles(process.execPath);
  const layer = layerOf([...node, { name: 'chat.js', content: NODE_CHAT }, directory('tmp', { mode: 0o1777 })]);
  const config = { Cmd: [await realpath(process.execPath), '/chat.js'], User: '1000:1000', Env: ['CHAT_PORT=7000'] };
  await writeOciArchive(path, { layers: [layer], config, gzip: false });
}

/** Writes an OCI archive of a program for this Node: one file, and the ports that it exposes, `8080/tcp`. */
export async function writeNodeProgramImage(
  path: string,
  { program, ports }: { program: Uint8Array; ports: readonly string[] },
): Promise<void> {
  const node = await programFiles(process.execPath);
  const server = { name: 'srv/server.cjs', content: Buffer.from(program) };
  const layer = layerOf([...node, server, directory('tmp', { mode: 0o1777 })]);
  const ExposedPorts = Object.fromEntries(ports.map((port) => [port, {}]));
  const config = { Cmd: [await realpath(process.execPath), '/srv/server.cjs'], User: '1000:1000', ExposedPorts };
  await writeOciArchive(path, { layers: [layer], config, gzip: false });
}

/** Writes an OCI layout of nothing but a static program, which echoes what it is sent. */
export async function writeEchoImage(path: string): Promise<void> {
  const layer = layerOf([{ name: 'busybox', content: await readFile(BUSYBOX), mode: 0o755 }]);
  const config = {
    Entrypoint: ['/busybox', 'nc', '-ll', '-p', '7007', '-e', '/busybox', 'cat'],
    ExposedPorts: { '7007/tcp': {} },
  };
  await writeOciLayout(path, { layers: [layer], config });
}

/** Writes an OCI archive of one static program of a few hundred bytes and nothing else, which echoes datagrams. */
export async function writeDatagramImage(path: string, port = 7008): Promise<void> {
  const layer = layerOf([{ name: 'echo', content: udpEchoProgram(port), mode: 0o755 }]);
  const config = { Entrypoint: ['/echo'], ExposedPorts: { [`${port}/udp`]: {} } };
  await writeOciArchive(path, { layers: [layer], config });
}

/** Of Python in its image. */
export async function pythonPath(): Promise<string> {
  return realpath(python('import sys; print(sys.executable)').trim());
}

/** Python, and what it imports for the app. */
async function pythonFiles(): Promise<LayerFile[]> {
  const imports =
    'import http.server, json, os, signal, sys, threading, encodings.utf_8, encodings.latin_1, encodings.idna';
  const printed = python(
    `${imports}\nfor m in list(sys.modules.values()):\n  print(getattr(m, '__file__', None) or '')`,
  );
  const modules = printed.split('\n').filter((file) => file.startsWith('/'));
  const caches = modules
    .map((file) => file.replace(/\/([^/]+)\.py$/, `/__pycache__/$1.${pythonTag()}.pyc`))
    .filter(existsSync);
  const libraries = modules.filter((file) => file.endsWith('.so'));
  const program = await programFiles(await pythonPath(), libraries);
  return [...program, ...(await filesAt([...new Set([...modules, ...caches])]))];
}

function pythonTag(): string {
  return python('import sys; print(sys.implementation.cache_tag)').trim();
}

function python(code: string): string {
  return execFileSync(PYTHON, ['-I', '-S', '-c', code], { encoding: 'utf8' });
}

/** A program with the libraries that it and others load, each at its own path. */
async function programFiles(path: string, others: readonly string[] = []): Promise<LayerFile[]> {
  const program = await realpath(path);
  const libraries = [program, ...others].flatMap((file) =>
    [...execFileSync('ldd', [file], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library),
  );
  return filesAt([...new Set([program, ...libraries])]);
}

function filesAt(paths: readonly string[]): Promise<LayerFile[]> {
  return Promise.all(
    paths.map(async (path) => {
      const { mode, mtimeMs } = await stat(path);
      return {
        name: path.slice(1),
        content: await readFile(path),
        mode: mode & 0o755,
        modifiedAt: Math.floor(mtimeMs / 1000),
      };
    }),
  );
}
