const OWN_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** True for a name of this computer that nobody else can own, as a URL or a Host header spells it, without a port. */
export function isOwnHost(host: string): boolean {
  return OWN_HOST.test(host);
}

/** The same for an address as settings and sockets spell it: IPv6 without brackets, IPv4 also as a part of IPv6. */
export function isOwnAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d)/i, '');
  return isOwnHost(plain.includes(':') ? `[${plain}]` : plain);
}
