/** Whether certificates lead to one that is trusted. */
import { X509Certificate } from 'node:crypto';

/** Object identifiers of what a key is for. */
const SERVERS = '1.3.6.1.5.5.7.3.1';
const ANYTHING = '2.5.29.37.0';
/** 2.5.29.30 as it stands in a certificate: its issuer may issue for some names alone. */
const NAME_CONSTRAINTS = Buffer.from('0603551d1e', 'hex');

/** The leaf and its issuers, the trusted one not counted. */
const MOST_STEPS = 4;

/** Every certificate of a PEM file. Throws where one cannot be read, or there is none. */
export function certificatesIn(pem: string): X509Certificate[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new Error('there is no certificate in it');
  return found.map((one) => new X509Certificate(one));
}

/**
 * Whether `leaf` is trusted, or is issued by one that is, over `others` that anybody may have given. All of them must be valid at
 * `nowMs`, epoch ms, and those that issue must be authorities; those of `others` for servers, whatever their names are.
 */
export function leadsTo(
  trusted: readonly X509Certificate[],
  leaf: X509Certificate,
  others: readonly X509Certificate[],
  nowMs: number,
): boolean {
  let current = leaf;
  for (let step = 0; step < MOST_STEPS; step++) {
    if (!isValidAt(current, nowMs)) return false;
    const { fingerprint512 } = current;
    if (trusted.some((one) => one.fingerprint512 === fingerprint512)) return true;
    const issued = (by: X509Certificate): boolean => isIssuedBy(current, by);
    if (trusted.some((one) => issued(one) && isValidAt(one, nowMs))) return true;
    const issuer = others.find((one) => one.fingerprint512 !== fingerprint512 && isOpen(one) && issued(one));
    if (issuer === undefined) return false;
    current = issuer;
  }
  return false;
}

/** Whether the key of a certificate may be that of a server. */
export function isForServers({ keyUsage: purposes }: X509Certificate): boolean {
  // Its types say that they are there always.
  const said = purposes as string[] | undefined;
  return said === undefined || said.includes(SERVERS) || said.includes(ANYTHING);
}

/** Names are not compared with constraints here, so an authority that has some is none. */
function isOpen(issuer: X509Certificate): boolean {
  return isForServers(issuer) && !issuer.raw.includes(NAME_CONSTRAINTS);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isValidAt({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo);
}
