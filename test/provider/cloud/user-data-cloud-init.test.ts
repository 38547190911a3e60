/** What servers of clouds are made with, read by cloud-init itself. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serverUserData } from '../../../providers/cloud/server-user-data.ts';
import { DIGITALOCEAN_SCRIPTS } from '../../../providers/digitalocean/start-scripts.ts';
import { partsOfUserData } from '../../../test-support/clouds/user-data.ts';
import { fetchCloudInit, whyNoCloudInit, type CloudInit } from '../../../test-support/cloud-init/cloud-init.ts';
import { chatTemplateSpec } from '../../../test-support/vm/chat-spec.ts';

const USER_DATA = '#cloud-config\nruncmd: ["echo grüß dich = 100 %"]\n';

describe.skipIf(whyNoCloudInit())('cloud-init of a server', () => {
  let cloudInit: CloudInit;
  let server: Server;
  let userData = '';

  beforeAll(async () => {
    cloudInit = await fetchCloudInit();
    const files: Record<string, () => string> = {
      '/meta-data': () => 'instance-id: i-1\n',
      '/user-data': () => userData,
      '/vendor-data': () => '#cloud-config\n{}\n',
    };
    server = createServer((request, response) => {
      const file = files[request.url ?? ''];
      response.writeHead(file === undefined ? 404 : 200).end(file?.());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }, 120_000);
  afterAll(async () => {
    server.close();
    await cloudInit.remove();
  });

  const made = (own: string | undefined, maxBytes: number): string => {
    const spec = {
      ...chatTemplateSpec('gcp'),
      env: { MOTD: 'grüß \u0085\u007f😀 '.repeat(1000) },
      ...(own === undefined ? {} : { userData: own }),
    };
    const request = {
      machineId: 'm-1',
      owner: 'vm/default/lobby',
      spec,
      agentBootstrap: { apiUrl: 'https://api.test', secret: 's' },
    };
    const options = {
      cloud: DIGITALOCEAN_SCRIPTS,
      identity: 'secret',
      vmServerUrl: 'https://api.test/v1',
      maxBytes,
    } as const;
    return serverUserData(request, 'test', options);
  };

  it.each([
    ['alone', undefined, 65_536, ['text/cloud-boothook']],
    ['with what its user wants', USER_DATA, 65_536, ['text/cloud-boothook', 'text/cloud-config']],
    ['packed', USER_DATA, 3500, ['text/cloud-boothook', 'text/cloud-config']],
  ])(
    'runs what makes it a machine at each boot, %s',
    async (_, own, maxBytes, types) => {
      userData = made(own, maxBytes);
      expect(userData.includes('application/gzip')).toBe(maxBytes === 3500);
      const { port } = server.address() as AddressInfo;
      const found = await cloudInit.read(`http://127.0.0.1:${port}/`);
      expect(found.parts).toEqual(types);
      expect(found.texts.map((text) => text.trim())).toEqual(
        partsOfUserData(made(own, 65_536)).map((text) => text.trim()),
      );
    },
    60_000,
  );
});
