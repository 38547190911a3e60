/** The smallest program that answers: one static executable of a few hundred bytes, for an image with nothing else in it. */

/**
 * Machine code for Linux on x86-64, with no library: socket, bind to 0.0.0.0, then recvfrom and sendto for ever. It ends with
 * 1 where the port is taken. What it binds to (a `sockaddr_in`) follows it.
 */
const CODE = Buffer.from(
  [
    '4881ec00200100', // sub rsp, 0x12000: room for a datagram and its sender
    '6a29586a025f6a025e31d20f054989c4', // r12 = socket(AF_INET, SOCK_DGRAM, 0)
    '4c89e7488d35610000006a105a6a31580f0585c0754d', // bind(r12, address, 16), else to the end
    'c7042410000000', // the size of a sender's address, anew for each datagram
    '4c89e7488db42400010000ba001001004531d24c8d4424104989e16a2d580f05', // recvfrom
    '4885c078d4', // again where it failed
    '4889c24c89e7488db424000100004531d24c8d4424106a1041596a2c580f05', // sendto
    'ebb3', // again
    '6a015f6a3c580f05', // exit(1)
  ].join(''),
  'hex',
);
const AF_INET = 2;
const LOADED_AT = 0x400000;
const HEADERS_BYTES = 64 + 56;
const ADDRESS_BYTES = 16;

/** An ELF executable that sends each datagram back to whoever sent it to `port`. */
export function udpEchoProgram(port: number): Buffer {
  const address = Buffer.alloc(ADDRESS_BYTES);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  const body = Buffer.concat([CODE, address]);
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(2, 16); // an executable
  header.writeUInt16LE(62, 18); // of x86-64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(LOADED_AT + HEADERS_BYTES), 24); // begins after the headers
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const segment = Buffer.alloc(56);
  segment.writeUInt32LE(1, 0); // loaded
  segment.writeUInt32LE(5, 4); // to be read and run
  segment.writeBigUInt64LE(BigInt(LOADED_AT), 16);
  segment.writeBigUInt64LE(BigInt(LOADED_AT), 24);
  const size = BigInt(HEADERS_BYTES + body.length);
  segment.writeBigUInt64LE(size, 32);
  segment.writeBigUInt64LE(size, 40);
  segment.writeBigUInt64LE(0x1000n, 48);
  return Buffer.concat([header, segment, body]);
}
