/** What an agent does with its machine's assignment: vm-server as a real process, the test is its host. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Assignment } from '../../../domain/agent/assignment.ts';
import { AppUsage } from '../../../vm-server/agent/counting/app-usage.ts';
import { Assignee } from '../../../vm-server/agent/assignment/assignee.ts';
import { KeptFiles } from '../../../vm-server/agent/kept-files.ts';
import { ScriptMarker } from '../../../vm-server/agent/assignment/script-marker.ts';
import { SCRIPT_OUTPUT_LIMIT_BYTES, interpreterOf } from '../../../vm-server/agent/assignment/startup-script.ts';
import { HostEnd, eventually, newMachine, tempDir, type VmServer } from '../../../test-support/vm-server-processes.ts';

async function waitingMachine(): Promise<{ host: HostEnd; server: VmServer; url: string; assign: Assign }> {
  const machine = newMachine({ awaitsAssignment: true });
  const server = await machine.start();
  const host = await HostEnd.connect(machine.socketPath);
  const { ip, ports } = await machine.address();
  const assign: Assign = (more) => {
    const { machineId } = machine.manifest.labels;
    const common = { machineId, name: 'test', project: 'default', env: {}, secretEnv: {}, timeoutSeconds: 60 };
    host.send({ type: 'assign', assignment: { ...common, startupScript: null, ...more } });
  };
  return { host, server, url: `http://${ip}:${ports[0]!.port}/`, assign };
}
type Assign = (more: Partial<Assignment>) => void;

describe('a machine that awaits its assignment', () => {
  it('lets nobody in and is not ready until it has it; then app and script have its environment', async () => {
    const { host, server, url, assign } = await waitingMachine();
    expect(await host.report(() => true)).toMatchObject({ ready: false, connections: 0 });
    expect((await fetch(url)).status).toBe(503);
    assign({ env: { A: 'plain' }, secretEnv: { CHAT_TITLE: 'secret title' }, startupScript: 'echo "$A, $CHAT_TITLE"' });
    expect(await host.report(({ ready }) => ready)).toMatchObject({ assigned: { state: 'done' } });
    expect(await (await fetch(url)).text()).toContain('secret title');
    expect(server.output()).toContain('plain, secret title');
    expect(readFileSync(`/proc/${server.process.pid ?? 0}/environ`, 'latin1')).not.toContain('secret title');
  });

  it('takes the first one only, however often it is told and whatever the next one says', async () => {
    const { host, server, assign } = await waitingMachine();
    const first = { secretEnv: { WHICH: 'first' }, startupScript: 'echo "ran for $WHICH"' };
    for (const more of [first, first, { secretEnv: { WHICH: 'second' }, startupScript: 'echo "ran for $WHICH"' }])
      assign(more);
    await host.report(({ ready }) => ready);
    assign(first);
    host.send({ type: 'confirm', id: 'after' });
    await host.report(({ answers }) => answers === 'after');
    expect(server.output().match(/ran for \w+/g)).toEqual(['ran for first']);
  });

  it('says how its script failed, in no word of the script, and stays shut', async () => {
    const { host, url, assign } = await waitingMachine();
    assign({ startupScript: 'echo hunter2 >&2; exit 42' });
    const { assigned, ready } = await host.report((report) => report.assigned?.state === 'failed');
    expect([assigned, ready]).toEqual([{ state: 'failed', end: { cause: 'exited', exitCode: 42 } }, false]);
    expect(JSON.stringify(host.reports)).not.toContain('hunter2');
    expect((await fetch(url)).status).toBe(503);
  });

  it('prints of its script as much as the console takes, and lets it go on', async () => {
    const { host, server, assign } = await waitingMachine();
    assign({ startupScript: 'head -c 3000000 /dev/zero | tr "\\0" x; exit 5' });
    await host.report((report) => report.assigned?.state === 'failed');
    await eventually(() => expect(server.output()).toContain('the rest is left out'));
    expect(server.output().split('x').length).toBeLessThan(SCRIPT_OUTPUT_LIMIT_BYTES + 1000);
  });
});

describe('the interpreter of a script', () => {
  it('is that of its first line with one argument, else the shell', () => {
    expect(interpreterOf('#!/bin/bash -eu\nx')).toEqual(['/bin/bash', '-eu']);
    expect(interpreterOf('#!/usr/bin/env -S node --x  \r\nx')).toEqual(['/usr/bin/env', '-S node --x']);
    expect(interpreterOf('#! /usr/bin/python3\n')).toEqual(['/usr/bin/python3']);
    for (const text of ['', 'echo', '\n#!/bin/bash', '#!', '#!\necho'])
      expect(interpreterOf(text), text).toEqual(['/bin/sh']);
  });
});

describe('the marker that a script ran', () => {
  it('lasts, says how it ended, and counts for its machine alone', () => {
    const dir = join(tempDir(), 'made', 'when-needed');
    const marker = new ScriptMarker(new KeptFiles(dir));
    expect(marker.read('m-1')).toBeUndefined();
    marker.write('m-1', null);
    expect(new ScriptMarker(new KeptFiles(dir)).read('m-1')).toBeNull();
    marker.write('m-1', { cause: 'exited', exitCode: 3 });
    expect(new ScriptMarker(new KeptFiles(dir)).read('m-1')).toEqual({ cause: 'exited', exitCode: 3 });
    expect(marker.read('m-2')).toBeUndefined();
  });

  it('keeps the variables of its machine for an agent that starts again, for root alone, and no word of the script', async () => {
    const dir = tempDir();
    const log = (): void => undefined;
    const assignment = { machineId: 'm-1', name: 'test', project: 'default', timeoutSeconds: 60 };
    const variables = { env: { A: 'plain' }, secretEnv: { B: 'hunter2' } };
    const first = new Assignee({ usage: new AppUsage(), log, marker: new ScriptMarker(new KeptFiles(dir)) });
    first.take({ ...assignment, ...variables, startupScript: 'true # quiet' });
    const file = join(dir, 'assignment.json');
    await eventually(() => expect(readFileSync(file, 'utf8')).not.toContain('quiet'));
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const heard: Record<string, string>[] = [];
    const usage = new AppUsage();
    const onEnvironment = (all: Record<string, string>): void => void heard.push(all);
    const again = new Assignee({ usage, log, marker: new ScriptMarker(new KeptFiles(dir)), onEnvironment });
    again.resume('m-of-a-copied-disk');
    expect(heard).toEqual([]);
    again.resume('m-1');
    usage.setConnections(0);
    await eventually(() => expect(usage.reported).toMatchObject({ assigned: { state: 'done' } }));
    expect(heard).toEqual([{ A: 'plain', B: 'hunter2' }]);
  });

  it('leaves no variable on the disk of a guest, whose host gives them at each start, nor those of an agent of before', async () => {
    const dir = tempDir();
    const assignment = {
      machineId: 'm-1',
      name: 'test',
      project: 'default',
      timeoutSeconds: 60,
      startupScript: 'true',
    };
    const marker = new ScriptMarker(new KeptFiles(dir));
    marker.keepAssignment({ ...assignment, env: {}, secretEnv: { B: 'hunter2' } });
    const usage = new AppUsage();
    usage.setConnections(0);
    const assignee = new Assignee({ usage, log: () => undefined, marker, keepsVariables: false });
    assignee.take({ ...assignment, env: {}, secretEnv: { B: 'hunter3' } });
    await eventually(() => expect(usage.reported).toMatchObject({ assigned: { state: 'done' } }));
    expect(readdirSync(dir)).toEqual(['startup-script.json']);
    expect(readFileSync(join(dir, 'startup-script.json'), 'utf8')).not.toContain('hunter');
    expect(marker.read('m-1')).toEqual({ cause: 'exited', exitCode: 0 });
  });
});
