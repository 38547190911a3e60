import { describe, expect, it } from 'vitest';
import { stripVTControlCharacters } from 'node:util';
import { plainConsoleText } from '../../../../domain/machine/console-text.ts';

const ESC = '\u001b';

describe('a console that people read', () => {
  it.each([
    ['colours', `${ESC}[1;31merror${ESC}[0m: no disk`, 'error: no disk'],
    ['moves of the cursor', `${ESC}[2J${ESC}[H${ESC}[1Aover`, 'over'],
    ['a title', `${ESC}]0;pwned\u0007text`, 'text'],
    ['a title with the other end', `${ESC}]2;pwned${ESC}\\text`, 'text'],
    ['a title without end, which hides no other line', `a${ESC}]0;hidden\nb`, 'a\nb'],
    ['a text for the clipboard', `${ESC}]52;c;cm0gLXJmIC8=\u0007ok`, 'ok'],
    ['a link', `${ESC}]8;;http://evil.test${ESC}\\click${ESC}]8;;${ESC}\\`, 'click'],
    ['a question to the terminal', `${ESC}[c${ESC}[6n${ESC}P$q"p${ESC}\\done`, 'done'],
    ['eight-bit sequences', 'a\u009b31mb\u009d0;t\u009cc\u0085d', 'abcd'],
    ['a choice of characters', `${ESC}(0lqk${ESC}(B${ESC}=${ESC}7`, 'lqk'],
    ['half a sequence at the end', `text${ESC}[31`, 'text'],
    ['an escape alone', `a${ESC}`, 'a'],
    ['backspaces, bells and zeros', 'pass\b\b\b\bword\u0007\u0000\u007f', 'password'],
    ['texts that run the other way', 'user\u202egnp.exe\u2066x\u2069', 'usergnp.exex'],
    ['a bar that draws over itself', '10 %\r50 %\r\r\n100 %\r\ndone', '10 %\n50 %\n100 %\ndone'],
    ['tabs, lines and every language', 'a\tb\nžluťoučký 日本語 👍\n', 'a\tb\nžluťoučký 日本語 👍\n'],
  ])('has no %s', (_, raw, clean) => {
    expect(plainConsoleText(raw)).toBe(clean);
    expect(stripVTControlCharacters(plainConsoleText(raw))).toBe(clean);
  });

  it('is plain whatever comes, and stays as it is a second time', () => {
    const parts = [ESC, '[', ']', '0', ';', 'P', '\\', 'm', '\u009b', '\u0007', '\n', '\r', 'x', '\u202e', '\u0000'];
    let state = 7;
    for (let round = 0; round < 5000; round += 1) {
      let raw = '';
      for (let length = 0; length < 12; length += 1) {
        state = (state * 48_271) % 2_147_483_647;
        raw += parts[state % parts.length]!;
      }
      const clean = plainConsoleText(raw);
      expect(clean).not.toMatch(/(?![\n\t])\p{Cc}/u);
      expect(plainConsoleText(clean)).toBe(clean);
    }
  });

  it('is made in time that grows with its length alone', () => {
    const begun = Date.now();
    for (const hostile of [`${ESC}[`, `${ESC}]`, `${ESC}P;`, '\u009b0;', `${ESC}[0 `])
      plainConsoleText(hostile.repeat(40_000));
    plainConsoleText(`${ESC}[${'0'.repeat(200_000)}`);
    plainConsoleText(`${ESC}]${'0'.repeat(200_000)}`);
    expect(Date.now() - begun).toBeLessThan(2000);
  });
});
