import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deploymentFindings } from '../../../commands/doctor/deployment-findings.ts';
import { doctorHost, hostFindings, joinedComputer } from '../../../commands/doctor/doctor-host.ts';
import { LeaseFile } from '../../../worker/host/fence/lease-file.ts';
import type { JoinedHost } from '../../../commands/host/host-environment.ts';

const KEY = 'ab'.repeat(32);
/** Nothing listens there. */
const NOWHERE = '127.0.0.1:9';
/** As long as a Temporal that is not there is waited for, so is an API that answers slowly on a busy computer. */
const ANSWER_MS = 2000;
let stateDir: string;
let api: Server;

beforeEach(async () => {
  stateDir = join(mkdtempSync(join(tmpdir(), 'eph-doctor-')), 'host');
  mkdirSync(stateDir, { mode: 0o700 });
  api = createServer((_, response) => {
    response.end('{}');
  });
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  api.close();
  rmSync(join(stateDir, '..'), { recursive: true, force: true });
});

function joined(): JoinedHost {
  const { port } = api.address() as AddressInfo;
  const apiUrl = `http://127.0.0.1:${port}`;
  return {
    ...{ hostId: 'attic', hostKey: KEY, askedApi: apiUrl },
    membership: {
      ...{ deployment: 'default', version: '0.0.1', providers: ['local'], apiUrl, controlTaskQueue: 'control' },
      ...{ hostLostSeconds: 600, temporal: { address: NOWHERE, namespace: 'ephemera' } },
      keys: { 'start-signature': KEY, 'sealed-input/seal': KEY, internal: KEY },
    },
  };
}

describe('the doctor on a computer that has joined', () => {
  it('says what to do about a Temporal that is not reached, and finds the rest in order', async () => {
    const findings = await hostFindings(joined(), stateDir, {}, ANSWER_MS);
    const wrong = findings.filter(({ verdict }) => verdict === 'bad');
    expect(wrong.map(({ check }) => check)).toEqual(['Temporal']);
    expect(wrong[0]?.todo).toContain('TEMPORAL_ADDRESS');
    expect(findings.find(({ check }) => check === 'worker')?.found).toContain('npm run host starts it');
    expect(findings.find(({ check }) => check === 'membership')?.found).toContain('joined version 0.0.1');
  });

  it('tells by how much the clocks differ, and from when on that does harm', async () => {
    const computer = await joinedComputer(joined(), stateDir, {});
    const clock = (aheadSeconds: number) => {
      const api = { answer: { status: 200, aheadSeconds } };
      const said = { api, temporal: { answer: NOWHERE }, registered: undefined };
      const found = deploymentFindings(computer, said).find(({ check }) => check === 'clock');
      return `${found?.verdict ?? ''}: ${found?.found ?? ''}`;
    };
    expect(clock(0.4)).toMatch(/^good/);
    expect(clock(-30)).toBe("note: 30.0 s behind the API's; up to a minute does no harm");
    expect(clock(90)).toBe("bad: 1 min 30 s ahead of the API's");
  });

  it('finds a worker without a fence, a directory that others enter, and a damaged key', async () => {
    const lease = await LeaseFile.open(stateDir, { lostSeconds: 600, temporalPort: null });
    chmodSync(stateDir, 0o755);
    writeFileSync(join(stateDir, 'internal-tls.json'), '{');
    const findings = await hostFindings(joined(), stateDir, {}, ANSWER_MS);
    await lease.close();
    const wrong = findings.filter(({ verdict }) => verdict === 'bad').map(({ check }) => check);
    expect(wrong).toEqual(['Temporal', 'registry', 'fence', 'key', 'state directory']);
  });

  it('says how to join where no answer came', async () => {
    const options = { stateDir, env: {}, machines: {} };
    await expect(doctorHost({ ...options, host: { ...joined(), membership: null } })).rejects.toThrow('npm run keys');
  });
});
