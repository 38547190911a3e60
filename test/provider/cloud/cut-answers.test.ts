/** Answers of clouds that say success and are cut off, or are a page for people. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { MachineProvider } from '../../../domain/machine/provider.ts';
import { createAzureProvider } from '../../../providers/azure/azure-provider.ts';
import { createDigitalOceanProvider } from '../../../providers/digitalocean/create.ts';
import { createEc2Provider } from '../../../providers/ec2/ec2-provider.ts';

const never = { signal: new AbortController().signal };
const backOff = { firstMs: 5, mostMs: 10, budgetMs: 100 };
const common = { deployment: 'test', backOff, settleMs: 50, pollMs: 10 };

const CLOUDS: [string, (endpoint: string) => MachineProvider][] = [
  ['EC2', (endpoint) => createEc2Provider({ ...common, endpoint, region: 'eu-central-1' })],
  [
    'Azure',
    (endpoint) =>
      createAzureProvider({
        ...common,
        endpoint,
        subscription: '11111111-2222-3333-4444-555555555555',
        resourceGroup: 'g',
      }),
  ],
  [
    'DigitalOcean',
    (endpoint) => createDigitalOceanProvider({ ...common, endpoint, token: () => Promise.resolve('t') }),
  ],
];

const TEXTS: Readonly<Record<string, [type: string, text: string]>> = {
  EC2: ['text/xml', '<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</ins'],
  Azure: ['application/json', '{"value":[{"id":"/subscriptions/1'],
  DigitalOcean: ['application/json', '{"droplets":[{"id":1'],
};

const ELSE: Readonly<Record<string, string>> = { 'text/xml': '<html><body/></html>', 'application/json': '{}' };

describe.each(CLOUDS)('an answer of %s that is none', (name, providerAt) => {
  let server: Server;
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const [type, text] = TEXTS[name]!;
  it.each<[string, (response: ServerResponse) => void]>([
    ['cut off', (response) => response.writeHead(200, { 'content-type': type }).end(text)],
    [
      'broken off in the middle',
      (response) => {
        response.writeHead(200, { 'content-type': type, 'content-length': 10_000 });
        response.write(text, () => response.destroy());
      },
    ],
    ['empty', (response) => response.writeHead(200, { 'content-type': type }).end()],
    ['of something else', (response) => response.writeHead(200, { 'content-type': type }).end(ELSE[type])],
    [
      'a page for people',
      (response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Please wait<br></body></html>'),
    ],
  ])('because it is %s may be asked for again, and no machine is forgotten for it', async (_, answer) => {
    const provider = await at(answer);
    await expect(provider.list(never)).rejects.toMatchObject({ code: 'backendUnavailable', terminal: false });
  });

  it('but a page of a gateway that says 404 takes no machine for gone', async () => {
    const provider = await at((response) =>
      response.writeHead(404, { 'content-type': 'text/html' }).end('<html><body>no such page</body></html>'),
    );
    const refused = { code: 'backendUnavailable', terminal: false };
    await expect(provider.describe('m-0123456789abcdef0123', never)).rejects.toMatchObject(refused);
    await expect(provider.destroy('m-0123456789abcdef0123', never)).rejects.toMatchObject(refused);
  });

  /** The provider of a cloud that answers so. */
  async function at(answer: (response: ServerResponse) => void): Promise<MachineProvider> {
    server = createServer((request, response) => void request.resume().on('end', () => answer(response)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return providerAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
});
