import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson, type RunJson } from '../../test-support/npm-start.ts';

const CHROMIUM = '/usr/bin/chromium';
const QUIET = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Names of strangers: one whose pages are somewhere else, one that was made to resolve to this computer. */
const HOSTS = '--host-resolver-rules=MAP foreign.test 127.0.0.1, MAP rebound.test 127.0.0.1';
const NAMESPACE = 'ephemera';
const missing = existsSync(CHROMIUM) ? '' : ' (needs apt package chromium)';

describe.skipIf(missing)(`the Temporal server of npm start, seen from a browser${missing}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-shut-'));
  const stateDir = join(directory, 'state');
  let start: NpmRun | undefined;
  let run: RunJson;
  let browser: Browser;
  let connection: Connection | undefined;
  let client: Client;
  let strangers: Server | undefined;

  beforeAll(async () => {
    start = new NpmRun('start', ['--state-dir', stateDir, ...FREE_PORTS]);
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...QUIET, HOSTS];
    [browser] = await Promise.all([
      chromium.launch({ executablePath: CHROMIUM, args }),
      start.prints('Ctrl-C stops it all'),
    ]);
    run = readRunJson(stateDir);
    connection = await Connection.connect({ address: run.temporalAddress });
    client = new Client({ connection, namespace: NAMESPACE });
    strangers = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<title>a page of somebody else</title>');
    });
    await once(strangers.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(async () => {
    await browser.close();
    await connection?.close();
    strangers?.close();
    await start?.pressCtrlC();
    endEverythingOn(stateDir);
    rmSync(directory, { recursive: true, force: true });
  });

  /** Every address that the server listens on, and the one of its Web UI. */
  function addresses(): string[] {
    return [...new Set([...listeningAddresses(run.pids['temporal']!), new URL(run.temporalUiUrl).host])];
  }

  async function started(workflowId: string): Promise<boolean> {
    return client.workflow
      .getHandle(workflowId)
      .describe()
      .then(
        () => true,
        () => false,
      );
  }

  const foreignPage = async (): Promise<Page> => {
    const page = await browser.newPage();
    await page.goto(`http://foreign.test:${(strangers!.address() as AddressInfo).port}/`);
    return page;
  };

  it('shows its Web UI under the link that was printed, with the workflows, and takes its commands', async () => {
    const workflowId = `shown-${randomUUID()}`;
    await client.workflow.start('nobodyRunsThis', { workflowId, taskQueue: 'nobody-polls-this' });
    const link = /Temporal Web UI +(\S+)/.exec(start!.output)?.[1] ?? '';
    expect(link).toBe(`${run.temporalUiUrl}/namespaces/${NAMESPACE}/workflows`);
    for (const url of [link, link.replace('127.0.0.1', 'localhost')]) {
      const page = await browser.newPage();
      await page.goto(url);
      await page.getByText(workflowId).first().waitFor({ timeout: 20_000 });
      const signalled = await page.evaluate(
        async ({ path }) => {
          const token = /_csrf=([^;]+)/.exec(document.cookie)?.[1] ?? '';
          const headers = { 'content-type': 'application/json', 'x-csrf-token': token };
          return (await fetch(path, { method: 'POST', headers, body: '{}' })).status;
        },
        { path: `/api/v1/namespaces/${NAMESPACE}/workflows/${workflowId}/signal/hello` },
      );
      expect(signalled).toBe(200);
      await page.close();
    }
    await client.workflow.getHandle(workflowId).terminate();
  });

  it('tells nothing to a page whose name was made to resolve to this computer, and starts nothing for it', async () => {
    for (const address of addresses()) {
      const page = await browser.newPage();
      const workflowId = `rebound-${randomUUID()}`;
      const url = `http://rebound.test:${new URL(`http://${address}`).port}`;
      const seen = await page.goto(`${url}/api/v1/namespaces`).then(
        async (response) => ({ status: response?.status(), text: await page.locator('body').innerText() }),
        (error: unknown) => ({ status: 0, text: String(error) }),
      );
      expect(seen.text, address).not.toContain(NAMESPACE);
      expect([0, 403, 404], `${address}: ${seen.text}`).toContain(seen.status);
      const metrics = await page.goto(`${url}/metrics`).then(
        () => page.locator('body').innerText(),
        () => '',
      );
      expect(metrics, address).not.toContain(NAMESPACE);
      if (seen.status !== 0) await page.evaluate(attack, { target: url, namespace: NAMESPACE, workflowId });
      expect(await started(workflowId), address).toBe(false);
      await page.close();
    }
  });

  it('tells nothing to a page of another origin, and starts nothing for it', async () => {
    const page = await foreignPage();
    for (const address of addresses()) {
      const workflowId = `foreign-${randomUUID()}`;
      const read = await page.evaluate(attack, { target: `http://${address}`, namespace: NAMESPACE, workflowId });
      expect(read, address).toEqual([]);
      expect(await started(workflowId), address).toBe(false);
    }
    await page.close();
  });

  it('cannot be framed by a page of another origin', async () => {
    const page = await foreignPage();
    await page.setContent(`<iframe src="${run.temporalUiUrl}/namespaces/${NAMESPACE}/workflows"></iframe>`);
    await page.waitForTimeout(2000);
    const shown = await Promise.all(page.frames().map((frame) => frame.locator('body').innerText()));
    expect(shown.join('\n')).not.toContain('Workflows');
    await page.close();
  });

  it('keeps what asks nobody who he is on ports that Chromium connects to for no page', async () => {
    const page = await browser.newPage();
    const { SHUT_PORTS } = await import('../../commands/start/shut-ports.ts');
    for (const port of SHUT_PORTS) {
      await expect(page.goto(`http://127.0.0.1:${port}/`)).rejects.toThrow('ERR_UNSAFE_PORT');
    }
    await page.close();
  });
});

/** What a hostile page tries, in the browser; the answer is what it could read. */
async function attack(input: { target: string; namespace: string; workflowId: string }): Promise<string[]> {
  const { target, namespace, workflowId } = input;
  const read: string[] = [];
  const token = /_csrf=([^;]+)/.exec(document.cookie)?.[1];
  const body = JSON.stringify({ workflowType: { name: 'vm' }, taskQueue: { name: 'nobody-polls-this' } });
  for (const prefix of ['/api/v1', '']) {
    const path = `${target}${prefix}/namespaces/${namespace}/workflows/${workflowId}`;
    const posts: RequestInit[] = [
      { mode: 'no-cors', headers: { 'content-type': 'text/plain' } },
      { mode: 'no-cors', credentials: 'include', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      { mode: 'cors', headers: { 'content-type': 'application/json', 'x-csrf-token': token ?? '' } },
      { mode: 'cors', headers: { 'content-type': 'application/json', authorization: 'Bearer anybody' } },
    ];
    for (const post of posts) await fetch(path, { method: 'POST', body, ...post }).catch(() => undefined);
    const look = await fetch(`${target}${prefix}/namespaces`, { signal: AbortSignal.timeout(3000) }).catch(
      () => undefined,
    );
    if (look?.ok) read.push(await look.text());
  }
  return read;
}

/** `127.0.0.1:7233` of every TCP port that a process listens on. */
function listeningAddresses(pid: number): string[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1);
  return rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
    const LISTENS = '0A';
    if (state !== LISTENS || !inodes.has(inode)) return [];
    const [ip = '', port = ''] = local.split(':');
    const parts = ip.match(/../g)?.map((part) => parseInt(part, 16)) ?? [];
    return `${parts.reverse().join('.')}:${parseInt(port, 16)}`;
  });
}
