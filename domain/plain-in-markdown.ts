/** A detail may quote what a machine printed: in Markdown, no output of a guest formats, links or hides anything. */
export function plainInMarkdown(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_~[\]<>|&]/g, (mark) => `\\${mark}`);
}
