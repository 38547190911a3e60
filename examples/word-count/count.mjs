/** Counts words as they stream by: whatever the size of a text, what is kept of it is a few numbers. */

/** A text that is none, with a sentence for whoever sent it. */
export class NoText extends Error {}

const SPACE = /\s/u;
/** What no text has: control characters but tab, line feed, form feed and carriage return. */
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/u;

/** Lines as `wc -l` counts them, and the last one without its line feed; words between white space; Unicode characters. */
export class Counts {
  lines = 0;
  words = 0;
  characters = 0;
  bytes = 0;
  #decoder = new TextDecoder('utf-8', { fatal: true });
  #isInWord = false;
  #endsLine = true;

  /** Takes the next bytes. Throws a {@link NoText} as soon as they cannot be UTF-8 text. */
  add(bytes) {
    this.bytes += bytes.length;
    this.#take(this.#decode(bytes, { stream: true }));
  }

  /** The counts of the whole. Throws a {@link NoText} for bytes that end in the middle of a character. */
  end() {
    this.#take(this.#decode(new Uint8Array(), {}));
    if (!this.#endsLine) this.lines += 1;
    const { lines, words, characters, bytes } = this;
    return { lines, words, characters, bytes };
  }

  #decode(bytes, options) {
    try {
      return this.#decoder.decode(bytes, options);
    } catch {
      throw new NoText('This file is no UTF-8 text. Save it as UTF-8 and try again.');
    }
  }

  #take(text) {
    if (CONTROL.test(text)) throw new NoText('This file is no text: it has control characters.');
    for (const character of text) {
      this.characters += 1;
      if (character === '\n') this.lines += 1;
      this.#endsLine = character === '\n';
      const isSpace = SPACE.test(character);
      if (!isSpace && !this.#isInWord) this.words += 1;
      this.#isInWord = !isSpace;
    }
  }
}
