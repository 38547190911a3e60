/** How the program of a container image is started: what its configuration says, with names looked up in its own files. */
import { describe, expect, it } from 'vitest';
import type { GuestContainer } from '../../../domain/machine/guest-container.ts';
import { exposedPorts, programOf } from '../../../providers/qemu/image/container/image-program.ts';

const ACCOUNTS = {
  passwd: 'root:x:0:0:root:/root:/bin/sh\n# none\nweb:x:101:102:web:/srv/web:/bin/false\n',
  group: 'root:x:0:\naudio:x:29:web,other\nweb:x:102:\nwheel:x:10:web\n',
};

function programWith(config: Record<string, unknown>, accounts: typeof ACCOUNTS | null = ACCOUNTS): GuestContainer {
  const root = { mode: 0o755, uid: 0, gid: 0 };
  const files = accounts ?? { passwd: null, group: null };
  return programOf({ config: { Cmd: ['/app'], ...config }, accounts: files, root }, 'the image');
}

describe('the program of a container image', () => {
  it('is its entrypoint with its command, in its directory, with its environment', () => {
    const config = { Entrypoint: ['/bin/app', '--serve'], Cmd: ['80'], WorkingDir: 'srv', Env: ['A=b=c', 'EMPTY'] };
    expect(programWith(config)).toMatchObject({
      command: ['/bin/app', '--serve', '80'],
      workdir: '/srv',
      env: { A: 'b=c', EMPTY: '', HOME: '/root', PATH: expect.stringContaining('/usr/local/bin:') as string },
      stopSignal: 15,
    });
  });

  it.each([
    ['', { uid: 0, gid: 0, groups: [] }],
    ['web', { uid: 101, gid: 102, groups: [29, 10] }],
    ['101', { uid: 101, gid: 102, groups: [29, 10] }],
    ['web:audio', { uid: 101, gid: 29, groups: [] }],
    ['7', { uid: 7, gid: 0, groups: [] }],
    ['7:8', { uid: 7, gid: 8, groups: [] }],
  ])('runs as the user %s of its own files', (User, expected) => {
    expect(programWith({ User })).toMatchObject(expected);
  });

  it('runs as a number where it has no files', () => {
    expect(programWith({ User: '1000:1000' }, null)).toMatchObject({
      uid: 1000,
      gid: 1000,
      groups: [],
      env: { HOME: '/' },
    });
  });

  it.each([
    ['SIGQUIT', 3],
    ['term', 15],
    ['9', 9],
    ['SIGRTMIN+3', 37],
  ])('is stopped by %s', (StopSignal, signal) => {
    expect(programWith({ StopSignal }).stopSignal).toBe(signal);
  });

  it.each([
    ['nothing to start', { Cmd: [] }, 'neither an entrypoint nor a command'],
    ['a user that it does not have', { User: 'nobody' }, '/etc/passwd'],
    ['a group that it does not have', { User: 'web:nobody' }, '/etc/group'],
    ['a signal that Linux does not have', { StopSignal: 'SIGNOTHING' }, 'SIGNOTHING'],
    ['a NUL character', { Cmd: ['/app\0'] }, 'NUL'],
  ])('is refused with %s', (_what, config, says) => {
    expect(() => programWith(config)).toThrow(expect.objectContaining({ code: 'imageRefused' }) as Error);
    expect(() => programWith(config)).toThrow(says);
  });

  it('says its ports, of which nonsense is left out', () => {
    const ExposedPorts = { '80/tcp': {}, '53/udp': {}, '8080': {}, 'x/tcp': {}, '99999/tcp': {} };
    expect(exposedPorts({ ExposedPorts })).toEqual([
      { name: 'port-8080', port: 8080, protocol: 'tcp' },
      { name: 'port-80', port: 80, protocol: 'tcp' },
      { name: 'udp-53', port: 53, protocol: 'udp' },
    ]);
  });
});
