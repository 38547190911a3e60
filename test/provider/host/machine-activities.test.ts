import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Client } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AwaitReadyInput, CreateMachineInput, MachineActivities } from '../../../domain/machine/activities.ts';
import type { Readiness } from '../../../domain/vm/spec.ts';
import { createMachineActivities } from '../../../activities/machine/machine-activities.ts';
import { httpAnswers, tcpAnswers } from '../../../activities/machine/agent/port-probes.ts';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import { AgentLinks } from '../../../worker/links/agent-links.ts';
import { joinChat } from '../../../test-support/chat-client.ts';
import { warmSpecOf } from '../../../domain/pool/warm-spec.ts';
import { checkedStarts, signatureFor, signedStart } from '../../../test-support/signed-start.ts';
import { eventually } from '../../../test-support/eventually.ts';
import {
  chatSpec,
  localHarness,
  machineRequest,
  type LocalHarness,
} from '../../../test-support/machines/local-harness.ts';

const never = { signal: new AbortController().signal };
/** Temporal, which takes every heartbeat. */
const client = {
  activity: { heartbeat: () => Promise.resolve() },
  withAbortSignal: <Result>(_signal: AbortSignal, call: () => Result): Result => call(),
} as unknown as Client;
const environmentOf = (workflowId: string): MockActivityEnvironment =>
  new MockActivityEnvironment({ workflowExecution: { workflowId, runId: 'run' } }, { client });
const createInput = (machineId: string, spec = chatSpec()): CreateMachineInput => {
  const { name: vm, ...start } = signedStart({ project: 'default', name: 'lobby', spec });
  return { machineId, vm, ...start };
};
const byAgent: Readiness = { kind: 'agent', port: null, path: null, timeoutSeconds: 60 };

let vmServerFile = '';
beforeAll(async () => {
  vmServerFile = await buildVmServer();
});

describe('the activities of a local machine', () => {
  let harness: LocalHarness;
  let links: AgentLinks;
  let activities: MachineActivities;
  let lost: string[];
  let apiIsThere: boolean;
  let apiSeconds = 0;
  const start = async (agentTransport: 'unix' | 'http'): Promise<void> => {
    harness = await localHarness(vmServerFile, { agentTransport });
    lost = [];
    links = new AgentLinks({
      provider: harness.provider,
      signals: {
        report: () => Promise.resolve('delivered'),
        machineLost: (_, { machineId }) => {
          lost.push(machineId);
          return Promise.resolve('delivered');
        },
        readMemo: () => Promise.resolve('notFound'),
      },
      log: pino({ level: 'silent' }),
    });
    const issueBootstrap = ({ machineId }: { machineId: string }): { apiUrl: string; secret: string } => ({
      apiUrl: 'http://127.0.0.1:1',
      secret: `secret of ${machineId}`,
    });
    apiIsThere = true;
    activities = createMachineActivities({
      provider: harness.provider,
      links,
      apiReachableSeconds: () => Promise.resolve(apiIsThere ? apiSeconds : null),
      issueBootstrap: agentTransport === 'http' ? issueBootstrap : null,
      ...checkedStarts(),
    });
  };
  beforeEach(() => start('unix'));
  afterEach(async () => {
    await links.stop(0);
    await harness.dispose();
  });

  const run = <Input, Output>(
    activity: (input: Input) => Promise<Output>,
    input: Input,
    environment = environmentOf('vm/default/lobby'),
  ): Promise<Output> => environment.run<[Input], Output, (input: Input) => Promise<Output>>(activity, input);
  const createMachine = async (): Promise<string> => {
    const { machineId } = machineRequest();
    const facts = await run(activities.createMachine, createInput(machineId));
    expect(facts).toMatchObject({ machineId, provider: 'local', host: 'here', address: { ports: [{ port: 8080 }] } });
    return machineId;
  };
  const readyInput = (machineId: string, readiness = byAgent): AwaitReadyInput => ({
    machineId,
    readiness,
    silenceTimeoutSeconds: 300,
    workflowId: 'vm/default/lobby',
  });

  it('make a machine, hear its agent, ask it, tell it, and see it gone', async () => {
    const machineId = await createMachine();
    const ready = await run(activities.awaitMachineReady, readyInput(machineId));
    expect(ready).toMatchObject({ connections: 0 });
    const machine = await harness.provider.describe(machineId, never);
    const { ip, ports } = machine!.address!;
    const ann = await joinChat(ip, ports[0]!.port, 'lobby', 'ann');
    const answer = await run(activities.confirmUsage, { machineId });
    expect(answer).toMatchObject({ kind: 'answered', report: { connections: 1 } });
    expect(await run(activities.probeMachine, { machineId })).toEqual({ alive: true });
    await run(activities.tellDraining, { machineId, draining: true });
    await eventually(async () => {
      const console = await harness.provider.readConsole(machineId, { maxBytes: 10_000 }, never);
      expect(new TextDecoder().decode(console)).toContain('Draining');
    });
    await ann.leave();
    await run(activities.destroyMachine, { machineId });
    expect(await run(activities.probeMachine, { machineId })).toEqual({ alive: false });
    expect(await run(activities.confirmUsage, { machineId })).toEqual({ kind: 'unanswered' });
    await run(activities.tellDraining, { machineId, draining: true });
    await run(activities.destroyMachine, { machineId });
    expect(lost).toEqual([]);
  });

  it('hold no silence against an agent over HTTP while no API answers, and still see that its machine is gone', async () => {
    const overLink = await createMachine();
    apiIsThere = false;
    expect(await run(activities.probeMachine, { machineId: overLink })).toEqual({ alive: true });
    await run(activities.destroyMachine, { machineId: overLink });
    await links.stop(0);
    await harness.dispose();
    await start('http');
    const machineId = await createMachine();
    apiIsThere = false;
    await expect(run(activities.probeMachine, { machineId })).rejects.toMatchObject({
      type: 'apiUnreachable',
      nonRetryable: false,
    });
    apiIsThere = true;
    expect(await run(activities.probeMachine, { machineId })).toEqual({ alive: true });
    apiIsThere = false;
    await run(activities.destroyMachine, { machineId });
    expect(await run(activities.probeMachine, { machineId })).toEqual({ alive: false });
  });

  it('find it silent for good only after an API was there for a while without a break', async () => {
    await links.stop(0);
    await harness.dispose();
    await start('http');
    const machineId = await createMachine();
    apiIsThere = true;
    apiSeconds = 40.5;
    await expect(run(activities.probeMachine, { machineId, reachableSeconds: 45 })).rejects.toMatchObject({
      ...{ type: 'apiUnreachable', nonRetryable: false, nextRetryDelay: 4600 },
      message: expect.stringContaining('answers for 40 s') as string,
    });
    apiSeconds = 45;
    expect(await run(activities.probeMachine, { machineId, reachableSeconds: 45 })).toEqual({ alive: true });
    apiSeconds = 0;
    expect(await run(activities.probeMachine, { machineId })).toEqual({ alive: true });
  });

  it('may each run twice', async () => {
    const machineId = await createMachine();
    await run(activities.createMachine, createInput(machineId));
    const first = await run(activities.awaitMachineReady, readyInput(machineId));
    const second = await run(activities.awaitMachineReady, readyInput(machineId));
    expect(second!.sequence).toBeGreaterThanOrEqual(first!.sequence);
    expect(await harness.countRunning(machineId)).toBe(1);
    await Promise.all([run(activities.destroyMachine, { machineId }), run(activities.destroyMachine, { machineId })]);
    const again = run(activities.createMachine, createInput(machineId));
    await expect(again).rejects.toMatchObject({ type: 'machineEnded', nonRetryable: true });
  });

  it.each([
    ['of another VM', 'vm/default/game', {}],
    ['that has no signature', 'vm/default/lobby', { signature: undefined }],
    ['of another spec than the signed one', 'vm/default/lobby', { spec: chatSpec({ env: { PATH: '/mine' } }) }],
  ])('make no machine for a start %s', async (_how, workflowId, changes) => {
    const { machineId } = machineRequest();
    const input = { ...createInput(machineId), ...changes } as CreateMachineInput;
    const creating = run(activities.createMachine, input, environmentOf(workflowId));
    await expect(creating).rejects.toMatchObject({ type: 'notSigned', nonRetryable: true });
    expect(await harness.provider.list(never)).toEqual([]);
    expect(lost).toEqual([]);
  });

  it('make a machine for the workflow that asks, whatever names its input has', async () => {
    const { machineId } = machineRequest();
    const facts = await run(activities.createMachine, { ...createInput(machineId), project: 'other', vm: 'game' });
    expect(facts).toMatchObject({ machineId });
    expect(await harness.provider.list(never)).toMatchObject([{ machineId, labels: { owner: 'vm/default/lobby' } }]);
  });

  it('say nothing of a machine to another VM that names its id, and open no link to it', async () => {
    const machineId = await createMachine();
    const game = environmentOf('vm/default/game');
    const waiting = run(activities.awaitMachineReady, readyInput(machineId), game);
    await expect(waiting).rejects.toMatchObject({ type: 'notSigned', nonRetryable: true });
    const { name: vm, ...start } = signedStart({ project: 'default', name: 'game', spec: chatSpec() });
    const adopting = run(activities.createMachine, { machineId, vm, ...start }, game);
    await expect(adopting).rejects.toMatchObject({ type: 'notSigned' });
    const otherStart = createInput(machineId, chatSpec({ env: { LEVEL: '2' } }));
    await expect(run(activities.createMachine, otherStart)).rejects.toMatchObject({ type: 'notSigned' });
    await harness.crash(machineId);
    const late = run(activities.awaitMachineReady, readyInput(machineId), environmentOf('vm/default/game'));
    await expect(late).rejects.toMatchObject({ type: 'notSigned' });
    await expect(late).rejects.not.toThrow('its console ends');
  });

  /** A machine that waits in a pool of the project. */
  const createWarm = async (project: string, spec = chatSpec()): Promise<string> => {
    const { machineId } = machineRequest();
    const pool = `pool/${project}/chat`;
    const signature = signatureFor({ workflowId: pool, spec: warmSpecOf(spec) });
    const input = { machineId, vm: machineId, spec: warmSpecOf(spec), signature, pool };
    await run(activities.createMachine, input, environmentOf(`warm/${machineId}`));
    return machineId;
  };
  /** What `vm/default/game` gets, for which the API signed whatever a pool answered. */
  const adopt = (machineId: string, from: string, spec = chatSpec()): Promise<unknown> => {
    const workflowId = 'vm/default/game';
    const signature = signatureFor({ workflowId, spec });
    const adoptSignature = signatureFor({ workflowId, spec, adopts: machineId });
    const input = { machineId, from, uid: 'run', spec, signature, adoptSignature };
    return run(activities.adoptMachine, input, environmentOf(workflowId));
  };
  const owners = async (): Promise<string[]> =>
    (await harness.provider.list(never)).map(({ labels }) => labels.owner).sort();

  it('give a VM no machine of another one, whatever a pool answered and the API signed', async () => {
    const machineId = await createMachine();
    for (const from of ['vm/default/lobby', `warm/${machineId}`]) {
      await expect(adopt(machineId, from)).rejects.toMatchObject({ type: 'notSigned' });
    }
    expect(await owners()).toEqual(['vm/default/lobby']);
  });

  it('give a VM no machine of another project, none of another make, and each once', async () => {
    const foreign = await createWarm('other');
    await expect(adopt(foreign, `warm/${foreign}`)).rejects.toMatchObject({ type: 'notSigned' });
    const bigger = await createWarm('default', chatSpec({ cpus: 2 }));
    await expect(adopt(bigger, `warm/${bigger}`)).rejects.toMatchObject({ type: 'notSigned' });
    const good = await createWarm('default');
    await adopt(good, `warm/${good}`, chatSpec({ env: { LEVEL: '2' } }));
    expect(await owners()).toEqual(['vm/default/game', `warm/${bigger}`, `warm/${foreign}`].sort());
  });

  it('neither stop the machine of another VM that names its id, nor cut its link', async () => {
    const machineId = await createMachine();
    await run(activities.awaitMachineReady, readyInput(machineId));
    const stopping = run(activities.stopMachine, { machineId }, environmentOf('vm/default/game'));
    await expect(stopping).rejects.toMatchObject({ type: 'notSigned' });
    expect(links.counters.links).toBe(1);
    expect(await run(activities.confirmUsage, { machineId })).toMatchObject({ kind: 'answered' });
  });

  it.each([
    { kind: 'machine', port: null, path: null },
    { kind: 'tcp', port: 8080, path: null },
    { kind: 'http', port: 8080, path: '/' },
  ] as const)('wait for a machine that is ready by $kind', async (readiness) => {
    const machineId = await createMachine();
    const usage = await run(activities.awaitMachineReady, readyInput(machineId, { ...readiness, timeoutSeconds: 60 }));
    if (usage !== null) expect(usage.connections).toBe(0);
  });

  it('do not take a page that is not there for a ready app', async () => {
    const machineId = await createMachine();
    const environment = environmentOf('vm/default/lobby');
    const readiness = { kind: 'http', port: 8080, path: '/no-such-page', timeoutSeconds: 60 } as const;
    const waiting = run(activities.awaitMachineReady, readyInput(machineId, readiness), environment);
    setTimeout(() => environment.cancel(), 1000);
    await expect(waiting).rejects.toBeInstanceOf(CancelledFailure);
  });

  it('fail for good with the console’s end when the machine ends before it is ready', async () => {
    const machineId = await createMachine();
    const readiness = { kind: 'tcp', port: 9, path: null, timeoutSeconds: 60 } as const;
    const waiting = run(activities.awaitMachineReady, readyInput(machineId, readiness));
    await eventually(async () => {
      const bytes = await harness.provider.readConsole(machineId, { maxBytes: 10_000 }, never);
      expect(new TextDecoder().decode(bytes)).toContain(machineId);
    });
    await harness.crash(machineId);
    await expect(waiting).rejects.toMatchObject({ type: 'bootFailed', nonRetryable: true });
    await expect(waiting).rejects.toThrow(machineId);
    await expect(run(activities.awaitMachineReady, readyInput(machineId))).rejects.toMatchObject({
      type: 'bootFailed',
    });
  });

  it('only watch a machine whose agent reports over HTTP, until the workflow cancels', async () => {
    await links.stop(0);
    await harness.dispose();
    await start('http');
    const machineId = await createMachine();
    const environment = environmentOf('vm/default/lobby');
    let heartbeats = 0;
    environment.on('heartbeat', () => (heartbeats += 1));
    const waiting = run(activities.awaitMachineReady, readyInput(machineId), environment);
    await eventually(() => expect(heartbeats).toBeGreaterThanOrEqual(2));
    environment.cancel();
    await expect(waiting).rejects.toBeInstanceOf(CancelledFailure);
    expect(await run(activities.confirmUsage, { machineId })).toEqual({
      kind: 'awaitReport',
      id: expect.any(String) as string,
    });
    await run(activities.tellDraining, { machineId, draining: true });
    expect(links.counters.links).toBe(0);
  });

  it('leave nothing that a destroy does not remove when a create is cancelled', async () => {
    const { machineId } = machineRequest();
    const environment = environmentOf('vm/default/lobby');
    const creating = run(activities.createMachine, createInput(machineId), environment);
    setTimeout(() => environment.cancel(), 20);
    await expect(creating).rejects.toBeInstanceOf(CancelledFailure);
    await run(activities.destroyMachine, { machineId });
    expect(await harness.countRunning(machineId)).toBe(0);
  });
});

describe('a probe of a port', () => {
  it.each([
    [200, true],
    [204, true],
    [302, true],
    [404, false],
    [500, false],
  ])('takes HTTP status %i for ready: %s', async (status, isReady) => {
    const server = createHttpServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await httpAnswers('127.0.0.1', port, '/', never.signal)).toBe(isReady);
    expect(await tcpAnswers('127.0.0.1', port)).toBe(true);
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    expect(await httpAnswers('127.0.0.1', port, '/', never.signal)).toBe(false);
    expect(await tcpAnswers('127.0.0.1', port)).toBe(false);
  });

  it('gives up after two seconds on an app that takes the connection and says nothing', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const startedAt = Date.now();
    expect(await httpAnswers('127.0.0.1', port, '/', never.signal)).toBe(false);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(1900);
    expect(Date.now() - startedAt).toBeLessThan(5000);
    server.close();
    await once(server, 'close');
  });
});
