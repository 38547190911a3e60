/** Server-sent events as they come in pieces; `EventSource` cannot send the half of the session that the page keeps. */
export interface EventBlock {
  id: string;
  type: string;
  data: string;
}

/** Takes text as it arrives and gives the blocks that are complete. */
export class EventBlocks {
  #rest = '';

  take(text: string): EventBlock[] {
    const parts = (this.#rest + text.replaceAll('\r\n', '\n')).split('\n\n');
    this.#rest = parts.pop() ?? '';
    return parts.map(parseBlock).filter(({ data }) => data !== '');
  }
}

function parseBlock(text: string): EventBlock {
  const block = { id: '', type: 'message', data: '' };
  for (const line of text.split('\n')) {
    const [, field = '', value = ''] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (field === 'id') block.id = value;
    if (field === 'event') block.type = value;
    if (field === 'data') block.data += block.data === '' ? value : `\n${value}`;
  }
  return block;
}
