/** Loaded before a process of a soak: collects garbage in each of its threads, so that what is left is what is held. */
import { appendFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { threadId } from 'node:worker_threads';

const EVERY_MS = 30_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
setInterval(() => {
  collect();
  const heap = { pid: process.pid, threadId, heapBytes: process.memoryUsage().heapUsed };
  appendFileSync(process.env['SOAK_HEAP_FILE'], `${JSON.stringify(heap)}\n`);
}, EVERY_MS).unref();
