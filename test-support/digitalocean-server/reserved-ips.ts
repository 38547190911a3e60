/** Addresses that belong to the account, and lead to one droplet at a time. */
import { connect, createServer, type Server } from 'node:net';
import { notFound, pendingEvent, unprocessable } from './api-error.ts';
import type { Actions } from './actions.ts';
import type { Action, Droplet, ReservedIp } from './resources.ts';

const PORT = 8080;

/** What addresses need of the account that they are in. */
interface Account {
  readonly droplets: ReadonlyMap<number, Droplet>;
  readonly actions: Actions;
  address(): string;
}

export class ReservedIps {
  readonly all = new Map<string, ReservedIp>();
  /** Most in the account; may be changed at any time. */
  limit = 3;
  readonly #model: Account;
  readonly #ways = new Map<string, Server>();

  constructor(model: Account) {
    this.#model = model;
  }

  get(ip: string): ReservedIp {
    const reserved = this.all.get(ip);
    if (reserved === undefined) throw notFound();
    return reserved;
  }

  ofDroplet(id: number): ReservedIp | undefined {
    return [...this.all.values()].find(({ dropletId }) => dropletId === id);
  }

  /** In a region, or for a droplet, to which it is then assigned. */
  create(region: string, droplet: Droplet | undefined): { reserved: ReservedIp; action: Action | undefined } {
    if (this.all.size >= this.limit) throw unprocessable('reserved ip: you have reached your reserved IP limit.');
    if (droplet !== undefined) this.#checkTakes(droplet);
    const reserved: ReservedIp = { ip: this.#model.address(), region, dropletId: null, pending: null };
    this.all.set(reserved.ip, reserved);
    return { reserved, action: droplet === undefined ? undefined : this.assign(reserved, droplet) };
  }

  assign(reserved: ReservedIp, droplet: Droplet): Action {
    this.#checkTakes(droplet);
    if (droplet.region !== reserved.region) throw unprocessable('droplet_id: the Droplet is in another region.');
    const finish = (): boolean => {
      if (!this.#model.droplets.has(droplet.id) || this.ofDroplet(droplet.id) !== undefined) return false;
      reserved.dropletId = droplet.id;
      this.#lead(reserved, droplet);
      return true;
    };
    return this.#model.actions.start({ type: 'assign_ip', of: reserved, finish });
  }

  unassign(reserved: ReservedIp): Action {
    if (reserved.dropletId === null) throw unprocessable('reserved ip: it is not assigned to a Droplet.');
    const finish = (): void => this.#letGo(reserved);
    return this.#model.actions.start({ type: 'unassign_ip', of: reserved, finish });
  }

  delete(reserved: ReservedIp): void {
    if (reserved.pending !== null) throw unprocessable('reserved ip: it has a pending event.');
    this.#letGo(reserved);
    this.all.delete(reserved.ip);
  }

  /** The droplet is gone; its address stays in the account, and is paid for. */
  forget(dropletId: number): void {
    for (const reserved of this.all.values()) if (reserved.dropletId === dropletId) this.#letGo(reserved);
  }

  close(): void {
    for (const way of this.#ways.values()) way.close();
  }

  #checkTakes(droplet: Droplet): void {
    if (!droplet.hasPublicNetwork) throw unprocessable('droplet_id: the Droplet has no public networking.');
    if (droplet.pending !== null) throw pendingEvent();
    if (droplet.status === 'new') throw unprocessable('droplet_id: the Droplet is not ready yet.');
    if (this.ofDroplet(droplet.id) === undefined) return;
    throw unprocessable('droplet_id: the Droplet already has a reserved IP.');
  }

  /** Whoever connects to the address gets to the droplet's own one. */
  #lead({ ip }: ReservedIp, droplet: Droplet): void {
    const way = createServer((socket) => {
      const onward = connect(PORT, droplet.publicIp ?? '');
      const end = (): void => {
        socket.destroy();
        onward.destroy();
      };
      for (const side of [socket, onward]) side.on('error', end).on('close', end);
      socket.pipe(onward);
      onward.pipe(socket);
    });
    way.on('error', () => undefined);
    this.#ways.set(ip, way.listen(PORT, ip));
  }

  #letGo(reserved: ReservedIp): void {
    reserved.dropletId = null;
    this.#ways.get(reserved.ip)?.close();
    this.#ways.delete(reserved.ip);
  }
}
