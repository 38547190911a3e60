import { afterEach, describe, expect, it, vi } from 'vitest';
import { coloured } from '../../../commands/terminal/terminal.ts';

const { isTTY } = process.stdout;
const onTerminal = (yes: boolean): void => void Object.assign(process.stdout, { isTTY: yes });
afterEach(() => {
  Object.assign(process.stdout, { isTTY });
  vi.unstubAllEnvs();
});

describe('what scripts print', () => {
  it('is coloured on a terminal', () => {
    vi.stubEnv('NO_COLOR', '');
    onTerminal(true);
    expect(coloured('ready', 'green')).toBe('\u001b[32mready\u001b[39m');
  });

  it('is plain where NO_COLOR is set, and plain in a pipe or a file', () => {
    vi.stubEnv('NO_COLOR', '1');
    onTerminal(true);
    expect(coloured('ready', 'green')).toBe('ready');
    vi.stubEnv('NO_COLOR', '');
    onTerminal(false);
    vi.stubEnv('FORCE_COLOR', '1');
    expect(coloured('ready', 'green')).toBe('ready');
  });
});
