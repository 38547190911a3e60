const OWN_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** True for a name of this computer that nobody else can own, as a URL or a Host header spells it, without a port. */
export function isOwnHost(host: string): boolean {
  return OWN_HOST.test(host);
}
