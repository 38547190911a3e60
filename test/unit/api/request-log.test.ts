import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { requestLog } from '../../../api/http/log/request-log.ts';

it('logs where a request went without its query and without a token in its path', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  const server = express()
    .use(requestLog(log, { answered: () => undefined }))
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    for (const path of ['/v1/datasource/m-1/SECRET/meta-data?key=SECRET', '/V1/Datasource/m-1/SECRET']) {
      await fetch(`http://127.0.0.1:${port}${path}`);
    }
  } finally {
    server.close();
    await once(server, 'close');
  }
  expect(lines).toHaveLength(2);
  expect(lines.join('')).not.toContain('SECRET');
  expect(lines[0]).toContain('"path":"/v1/datasource/m-1/…/meta-data"');
});
