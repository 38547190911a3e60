/** Code in the documentation that is taken from files of this repository. */
import { readFile } from 'node:fs/promises';

const BLOCK = /<!-- code: (\S+) -->\n\n```ts\n[^]*?\n```\n/g;

/** The page with the present text of each file that a comment `code: PATH` names in the block that follows it. */
export async function withCode(page: string, root: URL): Promise<string> {
  const paths = [...page.matchAll(BLOCK)].map(([, path = '']) => path);
  const texts = new Map<string, string>();
  for (const path of paths) texts.set(path, await readFile(new URL(path, root), 'utf8'));
  return page.replace(
    BLOCK,
    (_, path: string) => `<!-- code: ${path} -->\n\n\`\`\`ts\n${asProvider(texts.get(path) ?? '')}\`\`\`\n`,
  );
}

/** As it would stand in `providers/<name>/`, which is as deep. */
function asProvider(text: string): string {
  return text.replaceAll("'../../providers/", "'../");
}
