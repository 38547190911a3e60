/** Each example by the commands of its README, on one deployment that `npm start` runs; and the word count in a browser. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXAMPLES } from '../../examples/catalogue.ts';
import { inParallel } from '../../lib/waiting/in-parallel.ts';
import { ApiCalls } from '../../test-support/api/api-calls.ts';
import { FREE_PORTS, NpmRun, endEverythingOn, readRunJson } from '../../test-support/npm-start.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const CHROMIUM = '/usr/bin/chromium';
const QUIET = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const missing = existsSync(CHROMIUM) ? '' : ' (needs apt package chromium)';
const BLOCK_DEADLINE_MS = 120_000;
/** What a block that is not run here begins with: it needs a container runtime or a cloud. */
const ELSEWHERE = /^(docker|terraform|gcloud) /;

interface Ran {
  block: string;
  code: number;
  output: string;
}

const directory = mkdtempSync(join(tmpdir(), 'ephemera-examples-'));
const stateDir = join(directory, 'state');
const ran = new Map<string, Ran[]>();
let start: NpmRun;
let calls: ApiCalls;
let env: NodeJS.ProcessEnv;

const readmeOf = (name: string): string => readFileSync(join(ROOT, 'examples', name, 'README.md'), 'utf8');
const blocksOf = (name: string, language: string): string[] =>
  [...readmeOf(name).matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, block = '']) => block);

beforeAll(async () => {
  start = new NpmRun('start', ['--state-dir', stateDir, ...FREE_PORTS]);
  await start.prints('Ctrl-C stops it all');
  const { apiUrl, keyFile } = readRunJson(stateDir);
  const key = readFileSync(keyFile, 'utf8').trim();
  calls = new ApiCalls({ url: apiUrl, key });
  const { PATH, HOME } = process.env;
  env = { PATH, HOME, EPHEMERA_STATE_DIR: stateDir, EPHEMERA_API_URL: apiUrl, EPHEMERA_API_KEY: key };
  await inParallel(EXAMPLES, 3, async ({ name }) => {
    const done: Ran[] = [];
    ran.set(name, done);
    for (const block of blocksOf(name, 'sh')) {
      const result = await run(block);
      done.push(result);
      if (result.code !== 0) break;
    }
  });
}, 300_000);

afterAll(async () => {
  await start.pressCtrlC();
  endEverythingOn(stateDir);
  rmSync(directory, { recursive: true, force: true });
});

function run(block: string): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, env, timeout: BLOCK_DEADLINE_MS, maxBuffer: 16 * 1024 * 1024 };
    execFile('bash', ['-e', '-c', block], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ block, code, output: `${stdout}${stderr}` });
    });
  });
}

describe('the examples', () => {
  it('are those that npm run example lists, each in a folder of its own with a README', () => {
    const folders = readdirSync(join(ROOT, 'examples'), { withFileTypes: true }).filter((one) => one.isDirectory());
    const own = folders
      .map(({ name }) => name)
      .filter((name) => existsSync(join(ROOT, 'examples', name, 'scenario.ts')));
    expect(EXAMPLES.map(({ name }) => name).sort()).toEqual(own.sort());
    for (const { name } of EXAMPLES) expect(blocksOf(name, 'sh')[0]).toBe(`npm run example -- ${name}\n`);
  });

  it.each(EXAMPLES.map(({ name }) => name))('%s does what its README says, command by command', (name) => {
    const results = ran.get(name) ?? [];
    for (const { block, code, output } of results) expect(code, `${block}\n${output}`).toBe(0);
    expect(results.length).toBe(blocksOf(name, 'sh').length);
    const [played] = results;
    expect(played?.output).toContain(`${name}: all as it should be`);
    // What the README prints is what the command prints, but for names, addresses and times.
    const shown = blocksOf(name, 'text')[0]?.trim().split('\n') ?? [];
    expect(shown.length).toBeGreaterThan(1);
    for (const line of shown) expect(played?.output).toContain(line.split(/: |, /)[0]);
  });

  it('leave nothing of what they played', async () => {
    const { body } = await calls.listVms({});
    const names = body.vms.filter(({ state }) => state === 'running').map(({ name }) => name);
    expect(names.filter((name) => /^(chat-rooms|example-lobby|word-count-|sandbox-ada)/.test(name))).toEqual([]);
  });

  it('run everything of their READMEs here, but what needs a container runtime or a cloud', () => {
    for (const { name } of EXAMPLES) {
      for (const block of blocksOf(name, 'console')) {
        expect(block.trim().split('\n')[0], `${name}: ${block}`).toMatch(ELSEWHERE);
      }
    }
  });
});

describe.skipIf(missing)(`the word count in a browser on a phone${missing}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...QUIET],
    });
  });
  afterAll(() => browser.close());

  async function openPage() {
    const { body } = await calls.getVm('words');
    const page = await browser.newPage({ viewport: { width: 390, height: 700 } });
    await page.goto(`http://${body.address!.ip}:${body.address!.ports[0]!.port}/count`);
    return page;
  }

  it('counts an uploaded .txt, within the width of the screen', async () => {
    const page = await openPage();
    const buffer = Buffer.from('To be, or not to be,\nthat is the question.\n');
    await page.setInputFiles('input[type=file]', { name: 'hamlet.txt', mimeType: 'text/plain', buffer });
    await page.getByRole('button', { name: 'Count the words' }).click();
    await page.locator('#words').waitFor();
    expect(await page.locator('#words').innerText()).toBe('10');
    expect(await page.locator('#lines').innerText()).toBe('2');
    expect(await page.locator('[role=status]').innerText()).toBe('hamlet.txt');
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(390);
    if (process.env['EPHEMERA_KEEP_PICTURES'] !== undefined)
      await page.screenshot({ path: join(ROOT, 'examples/word-count/page.png') });
    await page.close();
  });

  it('says what is wrong with a file that is empty, no text or too large', async () => {
    const page = await openPage();
    for (const [buffer, said] of [
      [Buffer.alloc(0), 'This file is empty.'],
      [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff]), 'This file is no UTF-8 text.'],
      [Buffer.alloc(11 * 1024 * 1024, 'a'), 'larger than'],
    ] as const) {
      await page.setInputFiles('input[type=file]', { name: 'some.txt', mimeType: 'text/plain', buffer });
      const answer = page.waitForResponse((response) => response.request().method() === 'POST');
      await page.getByRole('button', { name: 'Count the words' }).click();
      const status = (await answer).status();
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      await page.getByRole('alert').getByText(said).waitFor();
    }
    await page.close();
  });
});
