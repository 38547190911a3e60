/**
 * Messages that a cloud signs (CMS, once PKCS #7): parsed by a library, judged here. Of all that the format allows, one form is
 * believed: one signer, an RSA key, SHA-2, what is signed inside.
 */
import { createHash, verify, X509Certificate } from 'node:crypto';
import {
  ContentInfo,
  id_data,
  id_signedData,
  SignedData,
  type EncapsulatedContent,
  type SignerInfo,
} from '@peculiar/asn1-cms';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as asn1js from 'asn1js';

const DIGESTS: Readonly<Record<string, Digest | undefined>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
/** RSA with PKCS #1 padding: of its own, or with the digest that it must be. */
const SIGNATURES: Readonly<Record<string, Digest | null | undefined>> = {
  '1.2.840.113549.1.1.1': null,
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
};
const CONTENT_TYPE = '1.2.840.113549.1.9.3';
const MESSAGE_DIGEST = '1.2.840.113549.1.9.4';

const LEAST_KEY_BITS = 2048;
const MOST_CERTIFICATES = 8;
const SET_OF = 0x31;

export interface SignedMessage {
  /** What was signed; worth nothing before {@link isSignedBy} says by whom. */
  content: Buffer;
  /** Certificates that came with it; anybody can put them there. */
  certificates: readonly X509Certificate[];
  isSignedBy(certificate: X509Certificate): boolean;
}

type Digest = 'sha256' | 'sha384' | 'sha512';

/** The message in a text of base64, or undefined when it is none of the form that is believed. Never throws. */
export function parseSignedMessage(base64: string): SignedMessage | undefined {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== base64) return undefined;
  try {
    return messageIn(bytes);
  } catch {
    return undefined;
  }
}

function messageIn(bytes: Buffer): SignedMessage | undefined {
  const outer = AsnConvert.parse(bytes, ContentInfo);
  if (outer.contentType !== id_signedData) return undefined;
  const message = AsnConvert.parse(outer.content, SignedData);
  const { encapContentInfo, signerInfos } = message;
  const included = Array.from(message.certificates ?? []);
  const [signer] = signerInfos;
  if (signer === undefined || signerInfos.length !== 1 || encapContentInfo.eContentType !== id_data) return undefined;
  const content = contentOf(encapContentInfo.eContent);
  const signed = content && signedBytes(signer, content);
  if (content === undefined || signed === undefined || included.length > MOST_CERTIFICATES) return undefined;
  const certificates = included.flatMap(({ certificate }) =>
    certificate === undefined ? [] : [withReadableKey(Buffer.from(AsnConvert.serialize(certificate)))],
  );
  const signature = Buffer.from(signer.signature.buffer);
  return {
    content,
    certificates,
    isSignedBy: ({ publicKey }) => {
      const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
      if (publicKey.asymmetricKeyType !== 'rsa' || bits < LEAST_KEY_BITS) return false;
      return verify(signed.digest, signed.bytes, publicKey, signature);
    },
  };
}

/** Throws where nobody could verify anything with it: else who asks for its key later would. */
function withReadableKey(bytes: Buffer): X509Certificate {
  const certificate = new X509Certificate(bytes);
  if (certificate.publicKey.asymmetricKeyType === undefined) throw new Error('the key is of no kind');
  return certificate;
}

/** Undefined where the message goes without what it signs. Those who sign a stream write it in pieces. */
function contentOf({ single, any }: Partial<EncapsulatedContent> = {}): Buffer | undefined {
  if (single !== undefined) return Buffer.from(single.buffer);
  if (any === undefined) return undefined;
  const { result, offset } = asn1js.fromBER(any);
  return result instanceof asn1js.OctetString && offset === any.byteLength ? Buffer.from(result.getValue()) : undefined;
}

/** What the signature is of, undefined where the signer says anything that does not fit the content or the other things it says. */
function signedBytes(signer: SignerInfo, content: Buffer): { bytes: Buffer; digest: Digest } | undefined {
  const digest = DIGESTS[signer.digestAlgorithm.algorithm];
  const signature = SIGNATURES[signer.signatureAlgorithm.algorithm];
  if (digest === undefined || signature === undefined || (signature !== null && signature !== digest)) return undefined;
  const { signedAttrs: attributes } = signer;
  if (attributes === undefined) return { bytes: content, digest };
  const valueOf = (type: string): ArrayBuffer | undefined => {
    const values = attributes.filter(({ attrType }) => attrType === type).flatMap(({ attrValues }) => attrValues);
    return values.length === 1 ? values[0] : undefined;
  };
  const contentType = valueOf(CONTENT_TYPE);
  const messageDigest = valueOf(MESSAGE_DIGEST);
  if (contentType === undefined || messageDigest === undefined) return undefined;
  const isOfData = Buffer.from(contentType).equals(
    Buffer.from(new asn1js.ObjectIdentifier({ value: id_data }).toBER()),
  );
  const said = Buffer.from(AsnConvert.parse(messageDigest, OctetString).buffer);
  if (!isOfData || !said.equals(createHash(digest).update(content).digest())) return undefined;
  return { bytes: setOf(attributes.map((attribute) => Buffer.from(AsnConvert.serialize(attribute)))), digest };
}

/** As it was signed: in the message itself it has another tag. */
function setOf(items: readonly Buffer[]): Buffer {
  const body = Buffer.concat(items);
  const length = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  const short = body.length >= 0x80 && body.length < 0x100 ? [0x81, body.length] : length;
  return Buffer.concat([Buffer.from([SET_OF, ...short]), body]);
}
