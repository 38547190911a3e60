/** All that a stream brings. Rejects with `tooLong`, and ends the stream, once it has brought more than `maxBytes`. */
export async function boundedBody(stream: AsyncIterable<Buffer>, maxBytes: number, tooLong: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(tooLong);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
