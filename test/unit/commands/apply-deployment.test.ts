import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploymentOf } from '../../../commands/apply/deployment.ts';
import { writeRunFile } from '../../../commands/start/run-file.ts';
import { loadSettings } from '../../../config/load-settings.ts';
import type { Settings } from '../../../config/settings.ts';
import { identify } from '../../../lib/processes/process-identity.ts';

const HERE = 'http://127.0.0.1:7400';
let stateDir: string;
let settings: Settings;

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'eph-apply-'));
  settings = loadSettings({ argv: [], env: { EPHEMERA_STATE_DIR: stateDir }, cwd: stateDir });
  const keyFile = join(stateDir, 'first-key');
  writeFileSync(keyFile, 'the-key-of-here\n');
  writeRunFile(stateDir, {
    ...{ apiUrl: HERE, temporalAddress: '127.0.0.1:1', temporalUiUrl: null, metricsUrls: [], keyFile, pids: {} },
    startedBy: (await identify(process.pid))!,
  });
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const asked = (url?: string) => deploymentOf({ url, keyFile: undefined, settings });

describe('npm run apply', () => {
  it('uses the key of what runs here for what runs here', async () => {
    expect(await asked()).toEqual({ url: HERE, key: 'the-key-of-here' });
    expect(await asked(`${HERE}/`)).toEqual({ url: HERE, key: 'the-key-of-here' });
  });

  it.each(['https://ephemera.example.com', 'http://127.0.0.1:7401', 'http://127.0.0.1:7400@evil.example'])(
    'never sends the key of what runs here to %s, which somebody else may be',
    async (url) => {
      await expect(asked(url)).rejects.toThrow('--key-file');
    },
  );
});
