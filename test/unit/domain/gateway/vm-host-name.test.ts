import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelOfHost, parseVmLabel, vmLabel } from '../../../../domain/gateway/vm-host-name.ts';

describe('the name of a port of a VM', () => {
  it('says port, VM and project; without a project it is of `default`', () => {
    expect(parseVmLabel('8080--lobby--games')).toEqual({ port: 8080, name: 'lobby', project: 'games' });
    expect(parseVmLabel('8080--lobby')).toEqual({ port: 8080, name: 'lobby', project: 'default' });
  });

  it('takes a VM whose own name has two dashes with its project alone', () => {
    expect(vmLabel({ port: 80, name: 'a--b', project: 'default' })).toBe('80--a--b--default');
    expect(parseVmLabel('80--a--b--default')).toEqual({ port: 80, name: 'a--b', project: 'default' });
  });

  it('is nothing for other words', () => {
    const words = [
      '',
      'lobby',
      '8080',
      '8080--',
      '--lobby',
      '0--lobby',
      '08--lobby',
      '65536--lobby',
      '8080-lobby',
      '80--1x',
      '80--a-',
    ];
    for (const word of words) expect([word, parseVmLabel(word)]).toEqual([word, undefined]);
    expect(vmLabel({ port: 8080, name: 'a'.repeat(60), project: 'default' })).toBeUndefined();
    expect(vmLabel({ port: 8080, name: 'a', project: 'b--c' })).toBeUndefined();
  });

  it('means what it was made for, whatever the VM and project are called', () => {
    const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), name, name, (port, vm, project) => {
        const label = vmLabel({ port, name: vm, project });
        if (label !== undefined) expect(parseVmLabel(label)).toEqual({ port, name: vm, project });
        else expect(project.includes('--')).toBe(true);
      }),
    );
  });
});

describe('the host of a request', () => {
  it('is one label before the domain, in any case, with a port or without', () => {
    for (const host of ['8080--lobby.vms.test', '8080--LOBBY.VMS.test:443', '8080--lobby.vms.test.']) {
      expect(labelOfHost(host, 'vms.test')).toBe('8080--lobby');
    }
  });

  it('is nothing of ours under any other domain', () => {
    const hosts = [
      'vms.test',
      'a.b.vms.test',
      '8080--lobby.evil.test',
      '8080--lobby.vms.test.evil.test',
      '127.0.0.1',
      '',
    ];
    const odd = ['8080--lobbyvms.test', '8080--lobby.vms.test:80:80', 'a@8080--lobby.vms.test', '8080--löbby.vms.test'];
    for (const host of [...hosts, ...odd]) expect([host, labelOfHost(host, 'vms.test')]).toEqual([host, undefined]);
  });
});
