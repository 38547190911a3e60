import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { plainRequest } from '../../test-support/api/plain-request.ts';
import { eventually, seeVm, startStack, type Stack } from '../../test-support/stack.ts';
import { startTestServer, type TestServer } from '../../test-support/temporal-server.ts';

const CHROMIUM = '/usr/bin/chromium';
const missing = existsSync(CHROMIUM) ? '' : ' (needs apt package chromium)';

let server: TestServer;
let stack: Stack;

beforeAll(async () => {
  server = await startTestServer();
  stack = await startStack({ server });
});
afterAll(async () => {
  await stack.stop();
  await server.stop();
});

describe('the console of a VM', () => {
  it('is its machine’s output as plain text, as long as a host can be asked', async () => {
    const made = await stack.calls.createVm(
      { name: 'talker', template: 'chat' },
      { wait: 'ready', timeoutSeconds: 30 },
    );
    expect(made.status).toBe(201);
    const shown = await stack.calls.getConsole('talker');
    expect(shown.status).toBe(200);
    expect(shown.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
    expect(shown.body.text.length).toBeGreaterThan(0);
    await stack.worker.kill();
    expect((await stack.calls.getConsole('talker')).body.code).toBe('hostAway');
    await stack.worker.start();
    await eventually(stack, 'the console again', async () =>
      (await stack.calls.getConsole('talker')).status === 200 ? true : undefined,
    );
  });
});

describe('the console of a VM that ended', () => {
  it('still says for an hour why its script failed, clean for people and raw on request', async () => {
    const spec = {
      name: 'broken',
      template: 'chat',
      startupScript: String.raw`printf '\033]0;title\007\033[31mno flux capacitor\033[0m found\n'; exit 3`,
    };
    const made = await stack.calls.createVm(spec, { wait: 'ready', timeoutSeconds: 60 });
    expect(made).toMatchObject({ status: 409, body: { code: 'endedBeforeReady' } });
    await seeVm(stack, 'broken', 'failed', ({ state }) => state === 'failed');
    expect(await stack.machines()).not.toContain(made.body.vm?.machineId);
    const clean = await stack.calls.getConsole('broken');
    expect(clean.status).toBe(200);
    expect(clean.body.text).toContain('no flux capacitor found\n');
    expect(clean.body.text).not.toMatch(/(?![\n\t])\p{Cc}/u);
    const [{ url }, key] = [stack.apis[0]!, stack.apiKey];
    const raw = await stack.calls.getConsole('broken', { raw: true });
    expect(raw.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(raw.body.text).toContain('\u001b]0;title\u0007\u001b[31mno flux capacitor\u001b[0m found\n');
    const wrong = await plainRequest({ url, key }, 'GET', '/v1/vms/broken/console?raw=perhaps');
    expect(wrong.status).toBe(400);
  });
});

describe('the API process', () => {
  it('answers who waits and ends by itself when it is told to stop', async () => {
    await stack.worker.kill();
    const waiting = stack.calls.createVm({ name: 'patient', template: 'chat' }, { wait: 'ready', timeoutSeconds: 120 });
    await eventually(stack, 'the VM of the waiting request', async () =>
      (await stack.calls.listVms()).body.vms.find(({ name }) => name === 'patient'),
    );
    const [api] = stack.apis;
    process.kill(api!.pid()!, 'SIGTERM');
    expect(await waiting).toMatchObject({ status: 202, body: { name: 'patient', state: 'creating' } });
    await expect
      .poll(
        () =>
          fetch(`${api!.url}/healthz`).then(
            () => 'up',
            () => 'down',
          ),
        { timeout: 10_000 },
      )
      .toBe('down');
    await Promise.all([api!.start(), stack.worker.start()]);
    await eventually(stack, 'the VM running', async () => {
      const { body } = await stack.calls.getVm('patient');
      return body.state === 'running' ? true : undefined;
    });
  });
});

it.skipIf(missing)(`/docs shows the API and loads nothing from anywhere else${missing}`, async () => {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  });
  try {
    const page = await browser.newPage();
    const complaints: string[] = [];
    const elsewhere: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('request', (request) => {
      const { url } = stack.apis[0]!;
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) elsewhere.push(request.url());
    });
    await page.goto(`${stack.apis[0]!.url}/docs`);
    await page.getByText('Create a VM, or get the one that is there').waitFor();
    expect(complaints).toEqual([]);
    expect(elsewhere).toEqual([]);
    await page.goto(`${stack.apis[0]!.url}/docs/errors#specConflict`);
    await page.getByText('A live VM of this name has another spec').waitFor();
  } finally {
    await browser.close();
  }
});
