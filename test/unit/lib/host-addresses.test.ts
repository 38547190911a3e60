import { once } from 'node:events';
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressesInHosts, addressesOf } from '../../../lib/network/host-addresses.ts';
import { isPublicAddress } from '../../../lib/network/public-address.ts';

/** Knows `good.example` as 93.184.216.34, and answers nothing to whoever asks for another name. */
let nameServer: Socket;
let servers: string[];
let asked = 0;

beforeAll(async () => {
  nameServer = createSocket('udp4', (question, { address, port }) => {
    asked += 1;
    if (!question.includes('good')) return;
    const end = question.indexOf(0, 12) + 5;
    const isIpv4 = question.readUInt16BE(end - 4) === 1;
    const head = Buffer.from([...question.subarray(0, 2), 0x81, 0x80, 0, 1, 0, isIpv4 ? 1 : 0, 0, 0, 0, 0]);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 93, 184, 216, 34]);
    const told = [head, question.subarray(12, end), ...(isIpv4 ? [answer] : [])];
    nameServer.send(Buffer.concat(told), port, address);
  }).bind(0, '127.0.0.1');
  await once(nameServer, 'listening');
  servers = [`127.0.0.1:${nameServer.address().port}`];
});
afterAll(() => nameServer.close());

describe('addresses of a host', () => {
  it('come at once, however many names are asked for whose server never answers', async () => {
    const slow = Array.from({ length: 50 }, (_, index) => addressesOf(`h${index}.slow.example`, { servers }));
    const startedAt = performance.now();
    expect(await addressesOf('good.example', { servers })).toEqual([{ address: '93.184.216.34', family: 4 }]);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect((await Promise.all(slow)).flat()).toEqual([]);
    expect(asked).toBeGreaterThan(50);
  }, 20_000);

  it('are those of an address itself, and of names that only this computer knows', async () => {
    expect(await addressesOf('[::1]')).toEqual([{ address: '::1', family: 6 }]);
    expect((await addressesOf('localhost')).map(({ address }) => address)).toContain('127.0.0.1');
    expect(addressesInHosts('10.0.0.7\thooks.internal Hooks # ours\n::1 hooks\nnone hooks', 'hooks')).toEqual([
      '10.0.0.7',
      '::1',
    ]);
    expect(addressesInHosts('10.0.0.7 hooks.internal # hooks', 'hooks')).toEqual([]);
  });
});

it.each([
  ...['0.0.0.0', '127.0.0.1', '10.1.2.3', '100.100.100.200', '169.254.169.254', '168.63.129.16', '192.0.0.192'],
  ...['255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', 'fe80::1', 'fd00:ec2::254'],
  ...['64:ff9b::7f00:1', '64:ff9b:1::a00:1', '2002:7f00:1::', '2001:0:1::1', 'ff02::1', '2001:db8::1', 'nothing'],
])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));

it.each(['93.184.216.34', '168.63.129.17', '2606:4700::1111', '::ffff:93.184.216.34'])('%s is public', (address) =>
  expect(isPublicAddress(address)).toBe(true),
);
