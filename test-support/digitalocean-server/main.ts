/**
 * The strict server as a program: `npx tsx test-support/digitalocean-server/main.ts [--port N]`. Use it with
 * `EPHEMERA_DIGITALOCEAN_ENDPOINT=http://127.0.0.1:N npm start -- --provider digitalocean`; its machines are agents on this computer.
 */
import { parseArgs } from 'node:util';
import { agentGuests } from '../clouds/agent-guests.ts';
import { startDigitalOceanServer } from './server.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'step-ms': { type: 'string', default: '300' } },
});

const guests = agentGuests('digitalocean');
const stepMs = Number(values['step-ms']);
const server = await startDigitalOceanServer({ guests, stepMs, token: null }, Number(values.port));
process.stdout.write(`DigitalOcean at ${server.endpoint}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    guests.close();
    void server.close().then(() => process.exit(0));
  });
}
