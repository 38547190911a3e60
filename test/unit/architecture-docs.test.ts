import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const MAX_FILES_OF_ONE_LIFE = 45;

const document = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
const filesIn = (text: string): string[] => [
  ...new Set([...text.matchAll(/`((?:[\w-]+\/)+[\w-]+\.ts)`/g)].map(([, file = '']) => file)),
];
const section = /\n## One life, file by file\n([^]*?)\n## /.exec(document)?.[1] ?? '';
const files = filesIn(section);

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found = [...text.matchAll(/(?:from |import\()'(\.[^']+)'/g)];
  return found.map(([, path = '']) => relative(ROOT, resolve(ROOT, dirname(file), path)));
}

describe('docs/architecture.md', () => {
  it('names files that exist', () => {
    expect(filesIn(document).length).toBeGreaterThan(files.length);
    expect(filesIn(document).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it('leads through one life in few files', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(files.length).toBeLessThanOrEqual(MAX_FILES_OF_ONE_LIFE);
  });

  it('leads from file to file: each belongs to another one of the life, but those where it enters a process', () => {
    const imported = new Set(files.flatMap(importsOf));
    const entries = files.filter((file) => !imported.has(file));
    expect(entries).toEqual([
      'api/vms/create/create-route.ts',
      'workflows/vm/vm.ts',
      'worker/host/pull/create-puller.ts',
      'activities/machine/machine-activities.ts',
      'providers/local/local-provider.ts',
      'vm-server/platform/local/machine.ts',
      'vm-server/agent/sidecar-agent.ts',
      'worker/links/agent-links.ts',
      'api/projection/projection-feed.ts',
      'api/vms/get-route.ts',
    ]);
  });
});
