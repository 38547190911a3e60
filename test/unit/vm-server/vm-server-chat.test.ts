import { describe, expect, it } from 'vitest';
import { BurstLimit } from '../../../vm-server/app/burst-limit.ts';
import { CHAT_LIMITS, cleanName, parseClientMessage, roomOfPath } from '../../../vm-server/app/messages.ts';

describe('room names', () => {
  it('are short and plain', () => {
    expect(roomOfPath('/rooms/lobby')).toBe('lobby');
    expect(roomOfPath('/rooms/Team_7-b')).toBe('Team_7-b');
    const bad = ['/', '/rooms/', '/rooms/a/b', '/rooms/a%20b', '/rooms/ä', `/rooms/${'x'.repeat(33)}`, '/room/a'];
    for (const path of bad) expect(roomOfPath(path), path).toBeUndefined();
  });
});

describe('names of people', () => {
  it('are cut to what fits, without control characters', () => {
    expect(cleanName('  Ada\n\u202eLovelace ')).toBe('Ada Lovelace');
    expect(Array.from(cleanName('🙂'.repeat(40)) ?? '')).toHaveLength(CHAT_LIMITS.nameCharacters);
  });

  it('are nothing when nothing can be read', () => {
    expect(cleanName(null)).toBeUndefined();
    expect(cleanName(' \u0000\u200b ')).toBeUndefined();
  });
});

describe('messages of clients', () => {
  it('are taken with their text', () => {
    expect(parseClientMessage('{"type":"message","text":"hi"}')).toEqual({ type: 'message', text: 'hi' });
  });

  it('are refused with a sentence that says what to send', () => {
    expect(() => parseClientMessage('hi')).toThrow('Send {"type":"message"');
    for (const frame of ['null', '3', '{"type":"join"}', '{"type":"message","text":" "}', '{"type":"message"}']) {
      expect(() => parseClientMessage(frame), frame).toThrow('with some text');
    }
    const long = JSON.stringify({ type: 'message', text: 'x'.repeat(CHAT_LIMITS.textCharacters + 1) });
    expect(() => parseClientMessage(long)).toThrow('at most 2000 characters');
  });
});

describe('a burst of messages', () => {
  it('is cut off and admitted again after a while', () => {
    const limit = new BurstLimit(2, 1000);
    expect([limit.admits(0), limit.admits(1), limit.admits(2)]).toEqual([true, true, false]);
    expect([limit.admits(1000), limit.admits(1000)]).toEqual([true, false]);
  });
});
