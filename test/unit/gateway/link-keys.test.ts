import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { LinkKeys } from '../../../gateway/access/link-keys.ts';
import type { LinkKey } from '../../../gateway/vms/api-calls.ts';
import { LinkSigner } from '../../../security/links/link-tokens.ts';

const STEP_MS = 11_000;

/** An API with links that can be taken back, as a gateway sees it. */
function deployment() {
  let signer = new LinkSigner(randomBytes(32), 'blue');
  let said: Pick<LinkKey, 'revokedUntil' | 'revokedOfVms'> = { revokedOfVms: {} };
  const state = { now: Date.now(), asked: 0, isDown: false };
  const keys = new LinkKeys(
    {
      linkKey: (project) => {
        state.asked += 1;
        if (state.isDown) return Promise.reject(new Error('down'));
        return Promise.resolve({ publicKey: signer.publicKey, deployment: 'blue', project, ...said });
      },
    },
    () => state.now,
  );
  const link = (name = 'lobby'): string =>
    signer.issue({ project: 'default', name, uid: 'u', port: 80 }, { nowMs: state.now, seconds: 3600 }).token;
  const verdict = async (token: string): Promise<string> => {
    const found = await keys.verify('default', token);
    return 'claims' in found ? 'in' : found.fault;
  };
  return {
    ...{ state, link, verdict },
    say: (next: typeof said) => (said = next),
    newSecret: () => (signer = new LinkSigner(randomBytes(32), 'blue')),
  };
}

it('a link that was taken back opens nothing within 10 s, and one that was made later does', async () => {
  const { state, link, verdict, say } = deployment();
  const [before, ofOther] = [link(), link('arena')];
  expect([await verdict(before), await verdict(before)]).toEqual(['in', 'in']);
  expect(state.asked).toBe(1);
  say({ revokedOfVms: { lobby: new Date(state.now).toISOString() } });
  state.now += STEP_MS;
  expect([await verdict(before), await verdict(ofOther)]).toEqual(['revoked', 'in']);
  const after = link();
  expect(await verdict(after)).toBe('in');
  say({ revokedUntil: new Date(state.now).toISOString(), revokedOfVms: {} });
  state.now += STEP_MS;
  expect([await verdict(after), await verdict(ofOther), await verdict(link())]).toEqual(['revoked', 'revoked', 'in']);
});

it('an API that is down changes nothing of what is known, and is asked again now and then', async () => {
  const { state, link, verdict, say } = deployment();
  const token = link();
  expect(await verdict(token)).toBe('in');
  state.isDown = true;
  state.now += STEP_MS;
  expect([await verdict(token), await verdict(token), await verdict(token)]).toEqual(['in', 'in', 'in']);
  expect(state.asked).toBe(2);
  state.isDown = false;
  say({ revokedUntil: new Date(state.now).toISOString(), revokedOfVms: {} });
  state.now += 6000;
  expect(await verdict(token)).toBe('revoked');
});

it('an API that never answered is no link that is refused, and another secret of the deployment is heard of', async () => {
  const { state, link, verdict, newSecret } = deployment();
  state.isDown = true;
  await expect(verdict(link())).rejects.toThrow('down');
  state.isDown = false;
  const before = link();
  expect(await verdict(before)).toBe('in');
  newSecret();
  const after = link();
  expect(await verdict(after)).toBe('notOurs');
  state.now += STEP_MS;
  expect([await verdict(after), await verdict(before)]).toEqual(['in', 'notOurs']);
});

it('projects that visitors make up take no memory', async () => {
  const keys = new LinkKeys({ linkKey: () => Promise.reject(new Error('no such project')) });
  const visits = Array.from({ length: 1000 }, (_, index) => keys.verify(`made-up-${index}`, 'no link'));
  for (const visit of visits) await expect(visit).rejects.toThrow('no such project');
  expect(keys.size).toBe(0);
});
