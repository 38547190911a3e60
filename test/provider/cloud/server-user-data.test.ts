/**
 * What servers of clouds are made with, run by a real shell at each of their boots: as they stop and start, and as another server
 * whose disk began as an image of theirs. Their metadata services and the API are played.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildVmServer } from '../../../commands/start/build-vm-server.ts';
import type { CreateMachineRequest } from '../../../domain/machine/provider.ts';
import { firstUserData, changedUserData } from '../../../providers/azure/agent-proof.ts';
import { AZURE_SCRIPTS } from '../../../providers/azure/start-scripts.ts';
import { serverUserData } from '../../../providers/cloud/server-user-data.ts';
import type { MachineIdentity } from '../../../providers/cloud/startup-script.ts';
import * as droplet from '../../../providers/digitalocean/agent-proof.ts';
import { DIGITALOCEAN_SCRIPTS } from '../../../providers/digitalocean/start-scripts.ts';
import * as instance from '../../../providers/ec2/agent-proof.ts';
import { EC2_SCRIPTS } from '../../../providers/ec2/start-scripts.ts';
import { agentGuests } from '../../../test-support/clouds/agent-guests.ts';
import type { GuestPlatform } from '../../../test-support/clouds/guest-metadata.ts';
import type { CloudGuests, PlayedServer } from '../../../test-support/clouds/guests.ts';
import { PlayedInstance, type PlayedReport } from '../../../test-support/gce-server/played-instance.ts';
import { chatTemplateSpec } from '../../../test-support/vm/chat-spec.ts';
import type { VmSpec } from '../../../domain/vm/spec.ts';

const WAIT = { timeout: 30_000, interval: 50 };
const SCRIPTS = { ec2: EC2_SCRIPTS, azure: AZURE_SCRIPTS, digitalocean: DIGITALOCEAN_SCRIPTS };
const TOKEN = 'Hunter2-of.the_app';

let played: PlayedInstance;
let guests: CloudGuests[] = [];

beforeAll(buildVmServer, 60_000);
beforeEach(async () => {
  played = await PlayedInstance.start();
});
afterEach(() => {
  for (const one of guests) one.close();
  guests = [];
  played.close();
});

/** A server of one cloud, as its provider makes it and changes its proof. */
class Booted {
  readonly server: PlayedServer;
  readonly #platform: GuestPlatform;
  readonly #guests: CloudGuests;
  readonly #identity: MachineIdentity;
  tags: Record<string, string> = {};
  userData = '';

  constructor(
    platform: GuestPlatform,
    machine: {
      id: string;
      secret: string;
      app: 'chat' | 'played';
      ip: string;
      disk?: Map<string, Buffer>;
      identity?: MachineIdentity;
    },
  ) {
    const { id, secret, app, ip, disk = new Map<string, Buffer>(), identity = 'secret' } = machine;
    this.#platform = platform;
    this.#identity = identity;
    this.#guests = agentGuests(platform, {
      app,
      sign: (server, nonce) => Promise.resolve(Buffer.from(`${server.id} ${nonce}`).toString('base64')),
    });
    guests.push(this.#guests);
    const spec: VmSpec = {
      ...chatTemplateSpec('gcp'),
      image: app === 'chat' ? 'vm-server' : 'own',
      env: { MOTD: 'grüß "you"' },
    };
    const request = {
      ...{ machineId: id, owner: 'vm/default/lobby', spec: { ...spec, sealed: {} as never } },
      agentBootstrap: { apiUrl: played.url, secret },
    } as CreateMachineRequest;
    this.#first(id, secret);
    const vmServerUrl = `${played.url}/v1/agent/vm-server.cjs`;
    const maxBytes = 16_384;
    const userData = serverUserData(request, 'test', { cloud: SCRIPTS[platform], identity, vmServerUrl, maxBytes });
    expect(userData).not.toContain(secret);
    this.server = {
      ...{ id: `i-${id}`, name: id, account: 'a1', place: 'p1', ips: [ip], userData, disk },
      tags: () => this.tags,
      changeable: () => this.userData,
    };
  }

  #first(id: string, secret: string): void {
    if (this.#platform === 'ec2') this.tags = instance.firstProofTags(id, this.#identity, secret);
    else if (this.#platform === 'azure') this.userData = decoded(firstUserData(id, this.#identity, secret));
    else this.tags = names(droplet.firstProofTags(id, secret, 1));
  }

  /** Another one from now on. */
  proves(secret: string): void {
    if (this.#platform === 'ec2') this.tags = { ...this.tags, ...instance.proofTags(this.#identity, secret) };
    else if (this.#platform === 'azure') {
      this.userData = decoded(changedUserData(Buffer.from(this.userData).toString('base64'), this.#identity, secret));
    } else this.tags = { ...this.tags, ...names(droplet.proofTags(secret, 2)) };
  }

  /** Resolves with the first report that says that the assignment is done. */
  async boot(): Promise<PlayedReport> {
    const seen = played.reports.length;
    this.#guests.started(this.server);
    return vi.waitFor(() => {
      const done = played.reports.slice(seen).find(({ assigned }) => assigned?.state === 'done');
      expect(done, JSON.stringify([played.exchanged, played.reports.slice(seen)])).toBeDefined();
      return done!;
    }, WAIT);
  }

  powerOff(): void {
    this.#guests.stopped(this.server.id);
  }

  onDisk(): string {
    return Buffer.concat([...this.server.disk.values()]).toString('latin1');
  }
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
const names = (tags: string[]): Record<string, string> => Object.fromEntries(tags.map((tag) => [tag, '']));
/** As long as those of the API, and longer than a tag. */
const secretOf = (what: string): string => `one-time-${what}.${'Aa_-9'.repeat(90)}`;

function assigns(machineId: string): void {
  played.assignment = {
    ...{ machineId, name: 'lobby', project: 'default', env: {}, timeoutSeconds: 30 },
    secretEnv: { TOKEN },
    startupScript: `echo "${machineId} has it" >> ran\n`,
  };
}

describe.each([
  ['ec2', 'played', '127.91.1.1'],
  ['ec2', 'chat', '127.91.1.2'],
  ['azure', 'played', '127.91.1.3'],
  ['azure', 'chat', '127.91.1.4'],
  ['digitalocean', 'played', '127.91.1.5'],
  ['digitalocean', 'chat', '127.91.1.6'],
] as const)('a server of %s with the %s app', (platform, app, ip) => {
  it('comes back as itself after a stop, and makes another one that nobody takes for it', async () => {
    assigns('m-1');
    played.tokens = ['report-token-1'];
    const first = new Booted(platform, { id: 'm-1', secret: secretOf('first'), app, ip });
    await first.boot();
    expect(played.exchanged).toEqual([secretOf('first')]);
    await vi.waitFor(async () => expect((await fetch(`http://${ip}:8080/`)).status).toBe(200), WAIT);

    first.powerOff();
    first.proves(secretOf('second'));
    expect((await first.boot()).token, 'it goes on with what it kept').toBe('report-token-1');
    expect(played.exchanged).toHaveLength(1);

    first.powerOff();
    const disk = first.onDisk();
    expect(disk.match(/m-1 has it/g), 'its script runs once in its life').toHaveLength(1);
    for (const secret of ['one-time-first', 'one-time-second', 'report-token-1', TOKEN, ...keysOf(first)]) {
      expect(disk.includes(secret), secret).toBe(false);
    }

    assigns('m-2');
    played.tokens = ['report-token-2'];
    const image = new Map(first.server.disk);
    const other = new Booted(platform, { id: 'm-2', secret: secretOf('third'), app, ip, disk: image });
    expect((await other.boot()).token).toBe('report-token-2');
    expect(played.exchanged).toEqual([secretOf('first'), secretOf('third')]);
  });
});

/** What seals the disk, as its cloud shows it. */
function keysOf({ tags, userData }: Booted): string[] {
  const shown = [...Object.entries(tags).flat(), ...userData.split('"')].flatMap((text) => text.split(':'));
  return shown.filter((text) => /^[\w-]{40,60}$/.test(text));
}

describe.each([
  ['ec2', '127.91.1.7', /^$/],
  ['azure', '127.91.1.8', /^\d{10}$/],
] as const)('a server that %s vouches for', (platform, ip, nonce) => {
  it('shows its binding and what its cloud signed', async () => {
    assigns('m-3');
    const machine = new Booted(platform, {
      id: 'm-3',
      secret: secretOf('binding'),
      app: 'played',
      ip,
      identity: 'instance',
    });
    await machine.boot();
    const [word, binding, document = ''] = played.exchanged[0]?.split(' ') ?? [];
    expect([word, binding]).toEqual([platform, secretOf('binding')]);
    const [id, asked = ''] = decoded(document).split(' ');
    expect(id).toBe('i-m-3');
    expect(asked).toMatch(nonce);
  });
});
