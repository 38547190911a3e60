/** The scripts of a deployment that the command line runs too, each as its npm script does. */
import type { Script } from '../cli/context.ts';

export const CLI_SCRIPTS: Readonly<Record<string, Script>> = {
  up: {
    ...{ about: 'Runs Temporal, worker and API on this computer, until Ctrl-C.', npm: 'npm start' },
    examples: [
      ['ephemera up', 'all defaults; prints where everything is'],
      ['ephemera up --provider qemu', 'real virtual machines'],
    ],
    run: () => import('./start.ts'),
  },
  demo: {
    ...{ about: 'Shows a whole life of a VM.', npm: 'npm run demo' },
    examples: [['ephemera demo', 'with what runs already, or all defaults']],
    run: () => import('./demo.ts'),
  },
  doctor: {
    ...{ about: 'Says what this computer, or a deployment on a provider, lacks.', npm: 'npm run doctor' },
    examples: [
      ['ephemera doctor', 'before `ephemera up --provider qemu`'],
      ['ephemera doctor gcp', 'before `ephemera up --provider gcp`'],
    ],
    run: () => import('./doctor.ts'),
  },
  apply: {
    ...{
      about: 'Puts templates from files; shows the difference first, and asks.',
      npm: 'npm run apply',
      speaksToApi: true,
    },
    examples: [
      ['ephemera apply templates.yaml', 'shows the difference, and asks'],
      ['ephemera apply templates.yaml --profile prod --dry-run', 'only looks, at another deployment'],
    ],
    run: () => import('./apply.ts'),
  },
  join: {
    ...{ about: 'Makes this computer a host of a deployment, and runs machines for it.', npm: 'npm run host' },
    examples: [
      ['EPHEMERA_JOIN_TOKEN=… ephemera join https://ephemera.example.com', '`ephemera hosts token` made the token'],
      ['ephemera join', 'runs again what was joined'],
    ],
    argumentsOf: ([first, ...rest]) => {
      if (first === undefined) return rest;
      return first.startsWith('-') ? [first, ...rest] : ['--join', first, ...rest];
    },
    run: () => import('./host.ts'),
  },
  host: {
    ...{ about: 'The same as join, with the flags of its npm script.', npm: 'npm run host' },
    examples: [['ephemera host --join https://ephemera.example.com --provider qemu', 'joins, and runs']],
    run: () => import('./host.ts'),
  },
  image: {
    ...{ about: 'Makes or registers what machines on this computer boot.', npm: 'npm run image' },
    examples: [
      ['ephemera image', 'the built-in image for virtual machines'],
      ['ephemera image list', 'images of your own that are here'],
    ],
    run: () => import('./image.ts'),
  },
  gateway: {
    ...{ about: 'Serves ports of VMs by names, and wakes VMs that are stopped or closed.', npm: 'npm run gateway' },
    examples: [['EPHEMERA_GATEWAY_KEYS=default=eph_… ephemera gateway', 'beside `ephemera up`']],
    run: () => import('./gateway.ts'),
  },
  keys: {
    ...{ about: 'The API keys of a state directory, without an API.', npm: 'npm run keys' },
    examples: [['ephemera keys list --state-dir /srv/ephemera', 'also while nothing runs']],
    run: () => import('./keys.ts'),
  },
  backup: {
    ...{ about: 'Copies everything that a deployment cannot make again, while it runs.', npm: 'npm run backup' },
    examples: [['ephemera backup --to /mnt/other-disk --keep 7', 'elsewhere, and only the newest seven']],
    run: () => import('./backup.ts'),
  },
  restore: {
    ...{ about: 'Puts a backup back into the state directory.', npm: 'npm run restore' },
    examples: [['ephemera restore /mnt/other-disk/2026-11-21T07-03-53.123Z', 'while nothing runs on it']],
    run: () => import('./restore.ts'),
  },
  promote: {
    ...{ about: 'Makes a build current in its Temporal worker deployment.', npm: 'npm run promote' },
    examples: [['ephemera promote --worker-deployment games --ramp 10', 'a tenth of the VMs first']],
    run: () => import('./promote.ts'),
  },
  'upgrade-check': {
    ...{ about: 'Replays open workflows on this version, before it is used.', npm: 'npm run upgrade-check' },
    examples: [['ephemera upgrade-check', 'exit code 1 when this version would break one']],
    run: () => import('./upgrade-check.ts'),
  },
  temporal: {
    ...{ about: 'The Temporal CLI, for the server and namespace of this deployment.', npm: 'npm run temporal' },
    examples: [['ephemera temporal workflow list', 'the VMs, as Temporal has them']],
    run: () => import('./temporal.ts'),
  },
};
