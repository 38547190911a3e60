/** What the API opens for an agent over HTTP when the workflow that it asks may be anybody's. */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { assignmentAnswer } from '../../../api/agents/sealed-assignment.ts';
import type { VmDirectory } from '../../../api/vms/seen/vm-directory.ts';
import { SealedInputs } from '../../../security/sealing/sealed-input.ts';
import { StartSignatures } from '../../../security/sealing/start-signatures.ts';
import { newVm } from '../../../domain/vm/state.ts';
import { vmView } from '../../../domain/vm/view.ts';
import type { SealedInputAnswer } from '../../../workflows/messages.ts';
import { chatSpec } from '../../../test-support/machines/local-harness.ts';
import { signedStart } from '../../../test-support/signed-start.ts';

const secret = new Uint8Array(32).fill(3);
const deployment = 'test';
const secretEnv = { TOKEN: 'hunter2' };
const sealedSpec = (env: Record<string, string>) =>
  chatSpec({ env, sealed: { secretEnvNames: ['TOKEN'], startupScript: false } });
const startOf = (name: string, env = {}) =>
  signedStart(
    { project: 'default', name, spec: sealedSpec(env) },
    { secretEnv, startupScript: null },
    { secret, deployment },
  );

const lobby = startOf('lobby', { LEVEL: '1' });
const { spec, signature = '' } = lobby;
const machine = { workflowId: 'vm/default/lobby', machineId: 'm-1', startSignature: signature };

/** What the machine `m-1` of the VM lobby is answered when the workflow answers this. */
async function answerTo(answer: Partial<SealedInputAnswer>, claims: typeof machine | object = machine, start = lobby) {
  const { spec, sealed = null, signature = '' } = start;
  const handle = () => ({ query: () => Promise.resolve({ machineId: 'm-1', sealed, spec, signature, ...answer }) });
  const directory = { handle, within: (call: () => unknown) => call() } as unknown as VmDirectory;
  const vm = newVm({ ...start, uid: 'run', machineId: 'm-1', at: 0 });
  const parts = {
    directory,
    sealedInputs: new SealedInputs(secret, deployment),
    startSignatures: new StartSignatures(secret, deployment),
    now: Date.now,
    log: pino({ level: 'silent' }),
  };
  return assignmentAnswer(parts, { ...machine, ...claims }, vmView(vm, Date.now()), {});
}

describe('the sealed input of a VM whose agent reports over HTTP', () => {
  it('is given to the machine that was made for its signed start, with the env of the signed spec', async () => {
    expect(await answerTo({})).toMatchObject({
      kind: 'assign',
      assignment: { machineId: 'm-1', name: 'lobby', env: { LEVEL: '1' }, secretEnv },
    });
  });

  const game = startOf('game');
  const earlier = startOf('lobby', { LEVEL: '0' });
  it.each([
    ['with another spec', { spec: { ...spec, env: { PATH: '/mine' } } }, {}],
    ['without a signature', { signature: null }, {}],
    ['of a worker from before signed starts', { signature: undefined, spec: undefined }, {}],
    ['with what was sealed for another VM', { sealed: game.sealed ?? '' }, {}],
    ['with all of another VM', { sealed: game.sealed ?? '', spec: game.spec, signature: game.signature ?? '' }, {}],
    ['with all of an earlier start of the name', { ...earlier, sealed: earlier.sealed ?? '' }, {}],
    ['to a machine that was made for another start', {}, { startSignature: earlier.signature }],
    ['to a machine from before signed starts', {}, { startSignature: undefined }],
  ] as const)('is not opened for an answer %s', async (_how, answer, claims) => {
    const answered = await answerTo(answer as Partial<SealedInputAnswer>, claims);
    expect(answered).toMatchObject({ kind: 'failed' });
    expect(JSON.stringify(answered)).toContain('notSigned');
    expect(JSON.stringify(answered)).not.toContain('hunter2');
  });

  it('is not left out for an answer that keeps it back', async () => {
    expect(JSON.stringify(await answerTo({ sealed: null }))).toContain('notSigned');
  });

  it('says so when it was signed and cannot be opened', async () => {
    const claim = { workflowId: machine.workflowId, spec };
    const foreign = new SealedInputs(secret, 'staging').seal(claim, { secretEnv, startupScript: null });
    const signed = new StartSignatures(secret, deployment).sign(claim, foreign);
    const answered = await answerTo({ sealed: foreign, signature: signed }, { startSignature: signed });
    expect(JSON.stringify(answered)).toContain('sealedInputUnreadable');
  });
});

describe('a machine that waited in a pool', () => {
  const own = { project: 'default', name: 'lobby', spec: chatSpec({ env: { LEVEL: '2' } }) };
  const plain = signedStart(own, null, { secret, deployment });
  const adopted = { startSignature: plain.signature };

  it('is told its name and env by its VM, which has nothing secret', async () => {
    expect(await answerTo({}, adopted, plain)).toMatchObject({
      kind: 'assign',
      assignment: { machineId: 'm-1', name: 'lobby', env: { LEVEL: '2' }, secretEnv: {}, startupScript: null },
    });
  });

  it('is told nothing by a VM that did not adopt it, or with another spec than the signed one', async () => {
    for (const [answer, claims] of [
      [{}, { startSignature: 'of-the-pool' }],
      [{ spec: { ...plain.spec, env: { PATH: '/mine' } } }, adopted],
      [{ sealed: 'something' }, adopted],
    ] as const) {
      const answered = await answerTo(answer, claims, plain);
      expect(answered).toMatchObject({ kind: 'failed' });
      expect(JSON.stringify(answered)).toContain('notSigned');
    }
  });

  it('is the only one without sealed input that is told anything', async () => {
    expect(await answerTo({}, { startSignature: undefined }, plain)).toEqual({ kind: 'nothing' });
  });
});
