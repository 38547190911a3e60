/**
 * A console as people read it. What a machine prints is not ours: without this a guest could move the cursor of whoever
 * reads it, write over what stands there, set a title, or have the terminal type an answer.
 */
const ESC = String.fromCharCode(0x1b);
const BEL = String.fromCharCode(0x07);
/** The 8-bit forms of `ESC [`, of the sequences that hold a text, and of their end. */
const CSI = String.fromCharCode(0x9b);
const TEXT_STARTS = [0x90, 0x98, 0x9d, 0x9e, 0x9f].map((code) => String.fromCharCode(code)).join('');
const TEXT_END = String.fromCharCode(0x9c);

/** A title, a link, a clipboard: all of it up to its end, or of the line when it has none. */
const TEXTS = new RegExp(
  `(?:${ESC}[PX^_\\]]|[${TEXT_STARTS}])[^${BEL}${ESC}${TEXT_END}\\r\\n]*(?:${BEL}|${ESC}\\\\|${TEXT_END})?`,
  'g',
);
const CONTROL_SEQUENCES = new RegExp(`(?:${ESC}\\[|${CSI})[0-?]*[ -/]*[@-~]?`, 'g');
const OTHER_SEQUENCES = new RegExp(`${ESC}[ -/]*[0-~]?`, 'g');
/** Controls besides line feed and tab; and signs that make a line be read in another order than it has. */
const UNSEEN = /(?![\n\t])\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text without terminal sequences and control characters; each carriage return begins a line. */
export function plainConsoleText(text: string): string {
  return text
    .replace(TEXTS, '')
    .replace(CONTROL_SEQUENCES, '')
    .replace(OTHER_SEQUENCES, '')
    .replace(/\r+\n|\r/g, '\n')
    .replace(UNSEEN, '');
}
