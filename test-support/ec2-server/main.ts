/**
 * EC2 as the tests have it, as a program: `npx tsx test-support/ec2-server/main.ts [--port N]`. Use it with the settings that it
 * prints and `npm start -- --provider ec2`; its machines are agents on this computer.
 */
import { parseArgs } from 'node:util';
import { agentGuests } from '../clouds/agent-guests.ts';
import { startMoto } from './moto.ts';
import { startEc2Server } from './server.ts';
import { settingsOf } from './settings-of.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'step-ms': { type: 'string', default: '300' } },
});

const guests = agentGuests('ec2');
const moto = await startMoto();
const server = await startEc2Server({ moto, guests, stepMs: Number(values['step-ms']), port: Number(values.port) });
const settings = Object.entries(settingsOf(server)).map(([name, value]) => `export ${name}='${value}'`);
process.stdout.write(`${settings.join('\n')}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    guests.close();
    moto.close();
    void server.close().then(() => process.exit(0));
  });
}
