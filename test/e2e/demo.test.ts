import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FREE_PORTS, NpmRun, endEverythingOn, isRunning, readRunJson } from '../../test-support/npm-start.ts';

const STEPS = [
  'create demo-',
  'two chat clients exchange messages',
  'the list shows 2 connections',
  'both leave',
  'destroyed at its idle deadline: reason idle',
  'the machine is gone',
  'Timeline of demo-',
  'demo: all as it should be',
];

describe('npm run demo', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ephemera-demo-'));
  const stateDir = join(directory, 'state');
  const runs: NpmRun[] = [];
  const npm = (script: string): NpmRun => {
    const started = new NpmRun(script, ['--state-dir', stateDir, ...FREE_PORTS]);
    runs.push(started);
    return started;
  };

  afterAll(async () => {
    for (const one of runs) await one.kill();
    endEverythingOn(stateDir);
    rmSync(directory, { recursive: true, force: true });
  });

  function expectWholeLife(output: string): void {
    const positions = STEPS.map((step) => output.indexOf(step));
    expect(positions, output).not.toContain(-1);
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    const timeline = output.slice(output.indexOf('Timeline of demo-'));
    for (const state of ['creating', 'booting', 'running', 'destroying', 'destroyed']) {
      expect(timeline).toContain(state);
    }
    expect(timeline).toMatch(/destroyed\s+idle/);
  }

  it('starts what is not running, shows a whole life and stops everything again', async () => {
    const demo = npm('demo');
    await demo.prints('A whole life of a VM');
    const { pids } = readRunJson(stateDir);
    expect(await demo.exitCode(), demo.output).toBe(0);
    expectWholeLife(demo.output);
    expect(Object.values(pids).filter(isRunning)).toEqual([]);
  });

  it('uses what already runs and leaves it running', async () => {
    const start = npm('start');
    await start.prints('Ctrl-C stops it all');
    const demo = npm('demo');
    expect(await demo.exitCode(), demo.output).toBe(0);
    expect(demo.output).toContain('using what already runs');
    expectWholeLife(demo.output);
    expect(Object.values(readRunJson(stateDir).pids).every(isRunning)).toBe(true);
    await start.pressCtrlC();
    expect(start.output).toContain('stopped; machines go on');
  });
});
