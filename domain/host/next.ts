/** The one place that says what an event means for a host. Pure; every state and event is tested. */
import type { HostEvent } from './events.ts';
import { awaySince, isCordoned, lastCallSeconds, type Host, type HostWish } from './state.ts';

/** The host after the event; the very same object where the event changes nothing. */
export function next(host: Host, event: HostEvent): Host {
  if (host.presence.name === 'removed') return host;
  switch (event.kind) {
    case 'announced':
      return announced(host, event);
    case 'leaseEnded':
      return leaseEnded(host, event);
    case 'deadline':
      return deadline(host, event.at);
    case 'released':
      return released(host, event.at);
    case 'cordon':
      // A drain goes further than a cordon, and is taken back by an uncordon alone.
      return host.wish === 'serve' ? wished(host, 'cordon') : host;
    case 'drain':
      return host.wish === 'drain' ? host : { ...wished(host, 'drain'), drain: 'pending' };
    case 'uncordon':
      return host.wish === 'serve' ? host : { ...wished(host, 'serve'), drain: 'none' };
    case 'drained':
      return host.drain === 'pending' ? { ...host, drain: 'done' } : host;
    case 'remove':
      return removed(host, event.at);
  }
}

/** Each word of readiness gets a lease of its own: who sends it holds none. */
function announced(host: Host, { at, incarnation, facts }: Extract<HostEvent, { kind: 'announced' }>): Host {
  const since = host.presence.name === 'present' ? host.presence.since : at;
  return { ...host, facts, incarnation, lease: host.lease + 1, presence: { name: 'present', since } };
}

function leaseEnded(host: Host, { at, lease, status }: Extract<HostEvent, { kind: 'leaseEnded' }>): Host {
  if (host.presence.name !== 'present' || lease !== host.lease) return host;
  return {
    ...host,
    lastStatus: status ?? host.lastStatus,
    presence: awaySince(at, host.facts.lostSeconds),
  };
}

function deadline(host: Host, at: number): Host {
  const { presence, facts } = host;
  if (presence.name !== 'away' || at < presence.deadlineAt) return host;
  if (presence.stage === 'lastCall') return { ...host, presence: { name: 'lost', since: at, released: false } };
  const deadlineAt = at + lastCallSeconds(facts.lostSeconds) * 1000;
  return { ...host, presence: { ...presence, stage: 'lastCall', deadlineAt } };
}

function released(host: Host, at: number): Host {
  const { presence } = host;
  if (presence.name !== 'lost') return host;
  const isKnown: Host = { ...host, presence: { ...presence, released: true } };
  return presence.leaves === true ? removed(isKnown, at) : isKnown;
}

/** Nobody but the registry tells VMs that their host is lost, so it leaves after they know. */
function removed(host: Host, at: number): Host {
  const { presence } = host;
  if (presence.name !== 'lost' || presence.released) return { ...host, presence: { name: 'removed', since: at } };
  return presence.leaves === true ? host : { ...host, presence: { ...presence, leaves: true } };
}

/** A host hears that it may take creates, or may not any more, by a new lease. */
function wished(host: Host, wish: HostWish): Host {
  const changes = isCordoned(host) !== isCordoned({ wish }) && host.presence.name === 'present';
  return { ...host, wish, lease: changes ? host.lease + 1 : host.lease };
}
