/** Whether certificates lead to one that is trusted. */
import { X509Certificate } from 'node:crypto';

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
 * `nowMs`, epoch ms, and those that issue must be authorities.
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
    const issuer = others.find((one) => one.fingerprint512 !== fingerprint512 && issued(one));
    if (issuer === undefined) return false;
    current = issuer;
  }
  return false;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function isValidAt({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo);
}
