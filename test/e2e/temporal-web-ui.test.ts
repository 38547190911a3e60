import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, TEST_NAMESPACE, type TestServer } from '../../test-support/temporal-server.ts';

const CHROMIUM = '/usr/bin/chromium';
const PICTURE = fileURLToPath(new URL('../../docs/pictures/temporal-web-ui.png', import.meta.url));
const QUIET = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let server: TestServer;
let stack: Stack;
let browser: Browser;
const missing = existsSync(CHROMIUM) ? '' : ' (needs apt package chromium)';

beforeAll(async () => {
  if (missing) return;
  [server, browser] = await Promise.all([
    startTestServer(),
    chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...QUIET],
    }),
  ]);
  stack = await startStack({ server });
});
afterAll(async () => {
  if (missing) return;
  await browser.close();
  await stack.stop();
  await server.stop();
});

it.skipIf(missing)(`the Temporal Web UI alone explains a running VM${missing}`, async () => {
  const created = await stack.calls.createVm(
    { name: 'lobby', template: 'chat' },
    { wait: 'ready', timeoutSeconds: 30 },
  );
  const { address, nextDeadline, workflowId, runId } = created.body;
  const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  const workflow = `namespaces/${TEST_NAMESPACE}/workflows/${encodeURIComponent(workflowId)}/${runId}`;
  await page.goto(`${server.uiUrl}/${workflow}/user-metadata`);
  await expect.poll(() => pageText(), { timeout: 20_000 }).toContain('Alive because');
  const text = await pageText();
  expect(text).toContain('State: running');
  expect(text).toContain('Alive because: firstConnectGrace');
  expect(text).toContain(address!.ip);
  expect(text).toContain(`neverConnected at ${nextDeadline!.at}`);
  expect(text).toContain('Create a machine on local');
  await mkdir(fileURLToPath(new URL('../../docs/pictures/', import.meta.url)), { recursive: true });
  if (process.env['EPHEMERA_KEEP_PICTURES'] !== undefined) await page.screenshot({ path: PICTURE });

  async function pageText(): Promise<string> {
    const texts = await Promise.allSettled(page.frames().map((frame) => frame.locator('body').innerText()));
    return texts.map((text) => (text.status === 'fulfilled' ? text.value : '')).join('\n');
  }
});
