/** Prints the body of a create whose startup script is the whole service, packed: `startup-script.mjs [NAME] [PROVIDER] [IMAGE]`. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const [name = 'word-count', provider = 'local', image = 'program'] = process.argv.slice(2);
const { outputFiles } = await build({
  entryPoints: [new URL('server.mjs', import.meta.url).pathname],
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  write: false,
});
const packed = gzipSync(outputFiles[0].contents, { level: 9 }).toString('base64');
const script = `#!/bin/sh -e
directory="\${EPHEMERA_DATA_DIR:-/opt/word-count}"
mkdir -p "$directory"
base64 -d <<'END' | gzip -d > "$directory/server.cjs"
${packed.replaceAll(/(.{1,120})/g, '$1\n').trimEnd()}
END
# It goes on when this script is done.
node "$directory/server.cjs" > "$directory/log" 2>&1 &
echo "word-count is started"
`;
console.log(
  JSON.stringify({
    name,
    provider,
    image,
    ports: [{ name: 'http', port: 8080 }],
    readiness: { kind: 'agent' },
    maxLifetimeSeconds: null,
    idle: { action: 'none' },
    startupScript: script,
  }),
);
