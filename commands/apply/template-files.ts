/** Templates in files: YAML or JSON, several documents in one file or a list of them, each with its place for messages. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type YAMLMap } from 'yaml';
import type { PutTemplate } from '../../client/api-client.ts';

export interface Mistake {
  file: string;
  line: number;
  text: string;
}

export interface FileTemplate {
  name: string;
  /** What is put; unchecked but for being there. */
  body: PutTemplate;
  file: string;
  /** Of a field of the body, `['spec', 'cpus']`, or of the nearest thing around it that is in the file. */
  lineOf: (path: readonly string[]) => number;
}

/** Every template of the files, and every mistake that shows without asking the API. */
export function readTemplates(files: readonly string[]): { templates: FileTemplate[]; mistakes: Mistake[] } {
  const [templates, mistakes]: [FileTemplate[], Mistake[]] = [[], []];
  for (const file of files) {
    const read = readFile(file);
    mistakes.push(...read.mistakes);
    templates.push(...read.templates);
  }
  const seen = new Map<string, FileTemplate>();
  for (const template of templates) {
    const first = seen.get(template.name);
    if (first === undefined) seen.set(template.name, template);
    else {
      const text = `the template ${template.name} is in ${first.file}:${first.lineOf([])} too`;
      mistakes.push({ file: template.file, line: template.lineOf([]), text });
    }
  }
  return { templates, mistakes };
}

function readFile(file: string): { templates: FileTemplate[]; mistakes: Mistake[] } {
  const lines = new LineCounter();
  const [templates, mistakes]: [FileTemplate[], Mistake[]] = [[], []];
  const note = (offset: number | undefined, text: string): void => {
    mistakes.push({ file, line: offset === undefined ? 1 : lines.linePos(offset).line || 1, text });
  };
  let text: string;
  try {
    // npm runs scripts in the checkout, wherever it was called.
    text = readFileSync(resolve(process.env['INIT_CWD'] ?? '.', file), 'utf8');
  } catch (error) {
    note(undefined, `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
    return { templates, mistakes };
  }
  const documents: readonly Document[] = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  for (const document of documents) {
    for (const error of document.errors) note(error.pos[0], error.message);
    if (document.errors.length > 0 || document.contents === null) continue;
    for (const node of isSeq(document.contents) ? document.contents.items : [document.contents]) {
      const template = templateOf(node, { file, document, lines, note });
      if (template !== undefined) templates.push(template);
    }
  }
  if (templates.length === 0 && mistakes.length === 0) note(undefined, 'there is no template in this file');
  return { templates, mistakes };
}

interface Place {
  file: string;
  document: Document;
  lines: LineCounter;
  note: (offset: number | undefined, text: string) => void;
}

function templateOf(node: unknown, { file, document, lines, note }: Place): FileTemplate | undefined {
  if (!isMap(node)) {
    note(offsetOf(node), 'a template is a map with name and spec');
    return undefined;
  }
  const name = node.get('name');
  if (typeof name !== 'string') {
    note(offsetOf(node.get('name', true)) ?? offsetOf(node), 'name: needed, the name of the template');
    return undefined;
  }
  try {
    const body = node.toJS(document) as PutTemplate & { name?: string };
    delete body.name;
    const lineOf = (path: readonly string[]): number => lines.linePos(offsetAt(node, path)).line || 1;
    return { name, body, file, lineOf };
  } catch (error) {
    note(offsetOf(node), error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

/** Where the key stands at the end of the path, or as much of the path as is there. */
function offsetAt(map: YAMLMap, path: readonly string[]): number {
  let offset = offsetOf(map) ?? 0;
  let node: unknown = map;
  for (const step of path) {
    if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = offsetOf(node) ?? offset;
      continue;
    }
    if (!isMap(node)) break;
    const pair: unknown = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
    if (!isPair(pair)) break;
    offset = offsetOf(pair.key) ?? offset;
    node = pair.value;
  }
  return offset;
}

function offsetOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined;
  return (node as { range?: [number, number, number] | null }).range?.[0];
}
