/** A key is written as hex or base64 and holds at least 32 bytes; undefined when the text is neither. */
export function parseSecretKey(written: string): Uint8Array | undefined {
  const key = /^([0-9a-fA-F]{2})+$/.test(written)
    ? Buffer.from(written, 'hex')
    : /^[A-Za-z0-9+/_-]+={0,2}$/.test(written)
      ? Buffer.from(written, 'base64')
      : undefined;
  return key !== undefined && key.length >= 32 ? new Uint8Array(key) : undefined;
}
