import { describe, expect, it } from 'vitest';
import { countInNetstat, countInProcNet } from '../../../vm-server/agent/counting/port-count.ts';

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:63DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:63DD 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 0 10 -1
   2: 0100007F:9C40 0100007F:63DD 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 0 10 -1
   3: 0100007F:63DD 0100007F:9C41 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0
   4: 0100007F:0050 0100007F:9C42 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 20 4 0 10 -1
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000001000000:63DD 00000000000000000000000001000000:9C50 01 00000000:00000000 00:0
   1: 0000000000000000FFFF00000100007F:63DD 0000000000000000FFFF00000100007F:9C51 01 00000000:00000000 00:0
`;

describe('counting connections to a port from the kernel tables', () => {
  it('counts established connections on the local side alone', () => {
    expect(countInProcNet(TCP, 0x63dd)).toBe(1);
  });

  it('counts IPv6 and mapped IPv4 connections', () => {
    expect(countInProcNet(TCP6, 0x63dd)).toBe(2);
  });

  it('finds a port that needs leading zeros', () => {
    expect(countInProcNet(TCP, 80)).toBe(1);
  });

  it('counts nothing in an empty table', () => {
    expect(countInProcNet('', 80)).toBe(0);
  });
});

describe('counting connections to a port from netstat', () => {
  it('reads the output of macOS', () => {
    const output = `Active Internet connections (including servers)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp4       0      0  127.0.0.1.25565        127.0.0.1.50000        ESTABLISHED
tcp4       0      0  127.0.0.1.50000        127.0.0.1.25565        ESTABLISHED
tcp6       0      0  ::1.25565              ::1.50001              ESTABLISHED
tcp4       0      0  *.25565                *.*                    LISTEN
tcp4       0      0  127.0.0.1.25565        127.0.0.1.50002        TIME_WAIT
`;
    expect(countInNetstat(output, 25565)).toBe(2);
  });

  it('reads the output of Windows', () => {
    const output = `
  Proto  Local Address          Foreign Address        State
  TCP    0.0.0.0:25565          0.0.0.0:0              LISTENING\r
  TCP    10.0.0.2:25565         10.0.0.9:50000         ESTABLISHED\r
  TCP    [::1]:25565            [::1]:50001            ESTABLISHED\r
`;
    expect(countInNetstat(output, 25565)).toBe(2);
  });
});

describe('counting connections to a port of one address', () => {
  it('leaves out those to other addresses of this computer, and finds mapped ones', () => {
    expect(countInProcNet(TCP, 0x63dd, new Set(), '127.0.0.1')).toBe(1);
    expect(countInProcNet(TCP, 0x63dd, new Set(), '127.0.0.2')).toBe(0);
    expect(countInProcNet(TCP6, 0x63dd, new Set(), '127.0.0.1')).toBe(1);
  });
});
