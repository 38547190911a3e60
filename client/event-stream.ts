/** Reads server-sent events (WHATWG HTML, 9.2) from the body of an answer. */

export interface Block {
  /** Empty where the block has none. */
  id: string;
  type: string;
  /** Empty where the block says nothing but its id: how far a reader is that hears of nothing. */
  data: string;
}

/** One block after the other; `heard` is called for whatever comes, comments included. */
export async function* readEventStream(
  body: ReadableStream<Uint8Array>,
  heard: () => void,
): AsyncGenerator<Block, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let block = { id: '', type: 'message', data: [] as string[] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line !== '') takeLine(block, line);
        else {
          if (block.data.length > 0 || block.id !== '') yield { ...block, data: block.data.join('\n') };
          block = { id: '', type: 'message', data: [] };
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function takeLine(block: { id: string; type: string; data: string[] }, line: string): void {
  const colon = line.indexOf(':');
  const field = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
  if (field === 'id') block.id = value;
  else if (field === 'event') block.type = value;
  else if (field === 'data') block.data.push(value);
}
