import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { LinkClosedError } from '../../../activities/machine/agent/machine-links.ts';
import { MachineLink } from '../../../worker/links/machine-link.ts';
import type { QueuedState } from '../../../worker/links/signal-queue.ts';
import { eventually } from '../../../test-support/eventually.ts';
import { ScriptedAgent } from '../../../test-support/workflow/scripted-agent.ts';

const never = new AbortController().signal;

describe('the link to a machine', () => {
  const closers: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  const linkTo = async (
    ready: boolean,
  ): Promise<{ agent: ScriptedAgent; link: MachineLink; delivered: QueuedState[]; ends: string[] }> => {
    const agent = new ScriptedAgent();
    agent.ready = ready;
    await agent.listen();
    const delivered: QueuedState[] = [];
    const ends: string[] = [];
    const link = new MachineLink({
      machineId: agent.machineId,
      workflowId: 'vm/default/one',
      socketPath: agent.socketPath,
      silenceTimeoutSeconds: 300,
      log: pino({ level: 'silent' }),
      host: {
        reported: () => undefined,
        deliver: (_link, state) => {
          delivered.push(state);
          return Promise.resolve('delivered');
        },
        isMachineAlive: () => Promise.resolve(agent.status !== 'ended'),
        ended: (ended, why) => {
          ends.push(why);
          ended.close();
        },
      },
    });
    closers.push(
      () => link.close(),
      () => agent.close(),
    );
    await eventually(() => expect(agent.connected).toBe(1));
    return { agent, link, delivered, ends };
  };

  it('tells all who wait for it that the agent is ready, with one report', async () => {
    const { agent, link, delivered } = await linkTo(false);
    const waiting = [link.awaitReady(never), link.awaitReady(never)];
    agent.ready = true;
    const sequence = agent.count(3);
    expect(await Promise.all(waiting)).toEqual([
      { sequence, connections: 3 },
      { sequence, connections: 3 },
    ]);
    expect(delivered).toEqual([]);
    expect(link.waiting).toBe(0);
  });

  it('gives each of two questions its own answer', async () => {
    const { agent, link } = await linkTo(true);
    agent.talks = false;
    const answers = [link.confirm(never), link.confirm(never)];
    await eventually(() => expect(agent.commands).toHaveLength(2));
    const [first, second] = agent.commands.map((command) => (command.type === 'confirm' ? command.id : ''));
    agent.connections = 2;
    agent.report({ answers: second! });
    agent.connections = 1;
    agent.report({ answers: first! });
    expect((await Promise.all(answers)).map(({ connections }) => connections)).toEqual([1, 2]);
  });

  it('rejects who waits when it is closed, and when its machine has ended', async () => {
    const closed = await linkTo(false);
    const waiting = [closed.link.awaitReady(never), closed.link.confirm(never)];
    closed.agent.talks = false;
    closed.link.close();
    for (const one of waiting) await expect(one).rejects.toThrow(LinkClosedError);

    const ended = await linkTo(false);
    const ready = ended.link.awaitReady(never);
    ended.agent.status = 'ended';
    await ended.agent.close();
    await expect(ready).rejects.toThrow(LinkClosedError);
    expect(ended.ends).toEqual(['machineEnded']);
  });

  it('keeps nothing of a wait that was aborted, and asks that question no more', async () => {
    const { agent, link } = await linkTo(false);
    agent.talks = false;
    const cancel = new AbortController();
    const waiting = [link.awaitReady(cancel.signal), link.confirm(cancel.signal)];
    await eventually(() => expect(agent.commands).toHaveLength(1));
    cancel.abort(new Error('enough'));
    for (const one of waiting) await expect(one).rejects.toThrow('enough');
    expect(link.waiting).toBe(0);
    await agent.close();
    await agent.listen();
    await eventually(() => expect(agent.connected).toBe(2));
    agent.ready = true;
    agent.report();
    await link.awaitReady(never);
    expect(agent.commands).toHaveLength(1);
  });

  it('asks again after a reconnect, and takes what was reported in between from the new connection', async () => {
    const { agent, link } = await linkTo(false);
    agent.talks = false;
    const [ready, answer] = [link.awaitReady(never), link.confirm(never)];
    await eventually(() => expect(agent.commands).toHaveLength(1));
    await agent.close();
    agent.ready = true;
    // Nobody is connected: this report is lost.
    agent.count(5);
    agent.talks = true;
    await agent.listen();
    expect(await ready).toMatchObject({ connections: 5 });
    expect(await answer).toMatchObject({ connections: 5 });
    const asked = agent.commands.flatMap((command) => (command.type === 'confirm' ? command.id : []));
    expect(new Set(asked).size).toBe(1);
    expect(asked).toHaveLength(2);
  });

  it('ends the wait for an assignment with the report that says how it ended', async () => {
    const { agent, link } = await linkTo(false);
    const assignment = {
      ...{ machineId: agent.machineId, name: 'one', project: 'default', env: {}, secretEnv: {} },
      ...{ startupScript: null, timeoutSeconds: 10 },
    };
    const done = link.assign(assignment, never);
    await eventually(() => expect(agent.commands.map(({ type }) => type)).toContain('assign'));
    agent.report({ assigned: { state: 'done' } });
    await done;

    const failing = await linkTo(false);
    const failed = failing.link.assign(assignment, never);
    await eventually(() => expect(failing.agent.commands.map(({ type }) => type)).toContain('assign'));
    failing.agent.report({ assigned: { state: 'failed', end: { cause: 'exited', exitCode: 3 } } });
    await expect(failed).rejects.toMatchObject({ code: 'startupScriptFailed' });
  });
});
