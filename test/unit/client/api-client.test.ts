import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { answered, ApiRefusal, createApiClient } from '../../../client/api-client.ts';

let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve)));

/** A client of a server that gives one answer, and what that server was asked. */
async function clientOf(status: number, body: string, contentType = 'application/json') {
  const asked: IncomingMessage[] = [];
  server = createServer((request, response) => {
    asked.push(request);
    request.resume();
    response.writeHead(status, { 'content-type': contentType }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { asked, client: createApiClient({ url: `http://127.0.0.1:${port}`, key: 'k', deadlineSeconds: 5 }) };
}

describe('the client of the API', () => {
  it('asks with the key, and gives the body of a good answer', async () => {
    const { asked, client } = await clientOf(200, '{"vms":[]}');
    const query = { label: ['a=1', 'b=2'], pageSize: 10 };
    expect(await answered(client.GET('/v1/vms', { params: { query } }))).toEqual({ vms: [] });
    expect(asked[0]?.headers.authorization).toBe('Bearer k');
    expect(asked[0]?.url).toBe('/v1/vms?label=a%3D1&label=b%3D2&pageSize=10');
  });

  it('throws what the API refused with its code, and says so where it was not the API that answered', async () => {
    const problem = {
      type: 't',
      title: 'x',
      status: 404,
      detail: 'There is no VM a',
      code: 'notFound',
      requestId: 'r',
    };
    const path = { name: 'a' };
    const refused = await clientOf(404, JSON.stringify(problem), 'application/problem+json');
    const error: unknown = await answered(refused.client.GET('/v1/vms/{name}', { params: { path } })).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ApiRefusal);
    expect(error).toMatchObject({ status: 404, problem: { code: 'notFound' } });
    await new Promise((resolve) => server.close(resolve));
    const other = await clientOf(502, 'bad gateway', 'text/plain');
    await expect(answered(other.client.GET('/v1/vms/{name}', { params: { path } }))).rejects.toThrow('answered 502');
  });
});
