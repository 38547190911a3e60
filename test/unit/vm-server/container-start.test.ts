import { describe, expect, it } from 'vitest';
import { parseGuestContainer, type GuestContainer } from '../../../domain/machine/guest-container.ts';
import { execFields, startFields } from '../../../vm-server/platform/qemu/container.ts';
import { fullReference } from '../../../providers/qemu/image/registry/reference.ts';

const PROGRAM: GuestContainer = {
  command: ['/app', '', 'a b'],
  env: { PATH: '/bin', BOTH: 'image' },
  uid: 101,
  gid: 102,
  groups: [29, 10],
  workdir: '/srv',
  stopSignal: 15,
  root: { mode: 0o755, uid: 0, gid: 0 },
};

describe('the program of a container image in its guest', () => {
  it('is started by fields, of which empty ones and those with spaces stay whole; the variables of the VM win', () => {
    expect(startFields(PROGRAM, { BOTH: 'vm', TOKEN: 'a=b' }).split('\0')).toEqual([
      ...['101', '102', '2', '29', '10', '/srv', '3', '/app', '', 'a b'],
      ...['PATH=/bin', 'BOTH=vm', 'TOKEN=a=b', ''],
    ]);
  });

  it('has commands beside it with its user and directory; their own variables win over those of the VM', () => {
    const request = { command: ['sh', '-c', 'a b'], env: { TOKEN: 'own' }, cwd: 'deep', tty: { rows: 1, columns: 1 } };
    expect(execFields(PROGRAM, { BOTH: 'vm', TOKEN: 'vm' }, request).split('\0')).toEqual([
      ...['101', '102', '2', '29', '10', '/srv', 'deep', '3', 'sh', '-c', 'a b'],
      ...['PATH=/bin', 'BOTH=vm', 'TOKEN=own', 'TERM=xterm-256color', ''],
    ]);
  });

  it('is read from what the host gives, whole or not at all', () => {
    expect(parseGuestContainer(JSON.parse(JSON.stringify(PROGRAM)))).toEqual(PROGRAM);
    for (const key of Object.keys(PROGRAM)) {
      expect(parseGuestContainer({ ...PROGRAM, [key]: undefined }), key).toBeUndefined();
    }
    expect(parseGuestContainer({ ...PROGRAM, command: [] })).toBeUndefined();
  });
});

it.each([
  ['nginx', 'docker.io/library/nginx:latest'],
  ['team/app:1', 'docker.io/team/app:1'],
  ['localhost:5000/app:1', 'localhost:5000/app:1'],
  [`ghcr.io/a/b@sha256:${'0'.repeat(64)}`, `ghcr.io/a/b@sha256:${'0'.repeat(64)}`],
])('the name %s of a registry is %s in full', (text, full) => {
  expect(fullReference(text)).toBe(full);
});
