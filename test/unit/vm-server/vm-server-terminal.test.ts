/** Programs in a terminal whose client goes away, by the real `script`. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import type { Stream } from '../../../domain/agent/streams/mux.ts';
import { openExec } from '../../../vm-server/agent/streams/exec-stream.ts';
import { wholeMachine } from '../../../vm-server/agent/streams/stream-place.ts';

function commandsWith(words: string): string[] {
  const lines = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    });
  return lines.filter((line) => line.startsWith(words));
}

it.skipIf(spawnSync('script', ['--version']).error !== undefined)(
  'those that do not mind a hangup are ended too, and those that they put into the background',
  async () => {
    const marker = `sleep 302.${Math.floor(Math.random() * 1e6)}`;
    const script = `set -m; trap '' HUP; (trap '' HUP; exec ${marker}) & ${marker}`;
    const request = {
      kind: 'exec' as const,
      command: ['bash', '-c', script],
      env: {},
      tty: { rows: 24, columns: 80 },
      countsAsConnection: false,
    };
    const stream: Stream = {
      write: (_bytes, _channel, taken) => taken(),
      ...{ end: () => undefined, reset: () => undefined, consumed: () => undefined },
    };
    const listener = openExec(request, { request, stream, agree: () => undefined }, wholeMachine());
    await vi.waitFor(() => expect(commandsWith(marker)).toHaveLength(2), 5000);
    listener.closed({ code: 'cancelled', detail: 'the client went away' });
    await vi.waitFor(() => expect(commandsWith(marker)).toEqual([]), { timeout: 6000, interval: 100 });
  },
);
