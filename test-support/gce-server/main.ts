/**
 * The strict server as a program: `npx tsx test-support/gce-server/main.ts [--port N] [--project NAME]`. Use it with
 * `EPHEMERA_GCP_ENDPOINT=http://127.0.0.1:N npm start -- --provider gcp`; its machines are agents on this computer.
 */
import { parseArgs } from 'node:util';
import { agentGuests } from './agent-guests.ts';
import { startGceServer } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    project: { type: 'string', default: 'ephemera' },
    'step-ms': { type: 'string', default: '300' },
  },
});

const guests = agentGuests();
const { project } = values;
const server = await startGceServer({ guests, project, stepMs: Number(values['step-ms']) }, Number(values.port));
process.stdout.write(`Compute Engine of project ${project} at ${server.endpoint}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    guests.close();
    void server.close().then(() => process.exit(0));
  });
}
