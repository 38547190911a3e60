/**
 * `node commands/backup/sqlite-copy.mjs SOURCE TARGET`: copies an SQLite file that others are writing to, as it is at one
 * moment, and checks the copy. Run by a Node.js that has node:sqlite (commands/backup/current-node.ts).
 */
import { DatabaseSync, backup } from 'node:sqlite';

/** All pages in one step: between steps a writer would make the copy begin again, and a busy file never be done. */
const PAGES_AT_ONCE = 2 ** 30;

const [source, target] = process.argv.slice(2);
process.umask(0o077);

// Read-only: a copy must never write a checkpoint into a file that belongs to another process.
const live = new DatabaseSync(source, { readOnly: true });
try {
  live.exec('PRAGMA busy_timeout = 10000');
  await backup(live, target, { rate: PAGES_AT_ONCE });
} finally {
  live.close();
}

const copy = new DatabaseSync(target);
try {
  const problems = copy.prepare('PRAGMA integrity_check').all();
  if (problems.length !== 1 || problems[0].integrity_check !== 'ok') {
    throw new Error(`the copy is damaged: ${JSON.stringify(problems.slice(0, 3))}`);
  }
  const { workflows } = copy.prepare('SELECT count(*) AS workflows FROM current_executions').get();
  process.stdout.write(`${JSON.stringify({ workflows })}\n`);
} finally {
  copy.close();
}
