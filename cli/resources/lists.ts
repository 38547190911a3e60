/** How templates, pools, images, hosts, sessions and keys are shown. */
import type { AnswerOf, Host, Image, MachineImage, Pool, Session, Template } from '../../client/ephemera.ts';
import type { Shown } from '../output/print.ts';
import { age, shortDuration, size, type Colour } from '../output/text.ts';

export type Key = AnswerOf<'listKeys'>['keys'][number];

const HOST_COLOURS: Record<string, Colour> = {
  ready: 'green',
  cordoned: 'yellow',
  draining: 'yellow',
  away: 'red',
  lost: 'red',
};

export const SHOWN_TEMPLATES: Shown<Template> = {
  nameOf: ({ name }) => name,
  none: 'no templates (`ephemera apply FILE` puts some)',
  columns: [
    { title: 'NAME', value: ({ name }) => name, leftOut: 0 },
    { title: 'VERSION', value: ({ version }) => String(version), leftOut: 0 },
    { title: 'SERVES', value: ({ servingVersion }) => String(servingVersion), leftOut: 2 },
    { title: 'PROVIDER', value: ({ spec }) => spec.provider ?? '-', leftOut: 1 },
    { title: 'IMAGE', value: ({ spec }) => spec.image ?? '-', shrinks: true, leftOut: 1 },
    { title: 'WARM', value: ({ warm }) => (warm === undefined ? '-' : `${warm.min}–${warm.max}`), leftOut: 3 },
    { title: 'REUSE', value: ({ reuse }) => reuse, leftOut: 4 },
    {
      title: 'HELD BACK',
      value: ({ heldBack }) => (heldBack === undefined ? '-' : 'yes'),
      colour: ({ heldBack }) => (heldBack === undefined ? undefined : 'red'),
      leftOut: 3,
    },
    { title: 'FROM', value: ({ builtIn }) => (builtIn ? 'built in' : 'project'), leftOut: 5 },
  ],
};

export const SHOWN_POOLS: Shown<Pool> = {
  nameOf: ({ template }) => template,
  none: 'no pools (a template with `warm` has one)',
  columns: [
    {
      title: 'TEMPLATE',
      value: ({ template, version }) => (version === null ? template : `${template} v${version}`),
      leftOut: 0,
    },
    { title: 'READY', value: ({ ready }) => String(ready), leftOut: 0 },
    { title: 'DESIRED', value: ({ desired }) => String(desired), leftOut: 0 },
    { title: 'MAKING', value: ({ inFlight }) => String(inFlight), leftOut: 1 },
    { title: 'LIMITS', value: ({ min, max, paused }) => (paused ? 'paused' : `${min}–${max}`), leftOut: 2 },
    { title: 'CLAIMED', value: ({ claimed }) => String(claimed), leftOut: 3 },
    { title: 'MISSED', value: ({ missed }) => String(missed), leftOut: 2 },
    {
      title: 'FAILED',
      value: ({ failed }) => String(failed),
      colour: ({ failed }) => (failed > 0 ? 'red' : undefined),
      leftOut: 2,
    },
    { title: 'WAITS FOR', value: ({ waitsFor }) => waitsFor ?? '-', shrinks: true, leftOut: 4 },
  ],
};

export const SHOWN_IMAGES: Shown<Image> = {
  nameOf: ({ name }) => name,
  none: 'no images (`ephemera close` and `ephemera snapshot` make some)',
  columns: [
    { title: 'NAME', value: ({ name }) => name, leftOut: 0 },
    {
      title: 'STATE',
      value: ({ state }) => state,
      colour: ({ state }) => (state === 'failed' ? 'red' : undefined),
      leftOut: 0,
    },
    { title: 'FAMILY', value: ({ family }) => family, leftOut: 1 },
    { title: 'SIZE', value: ({ sizeBytes }) => size(sizeBytes), leftOut: 2 },
    { title: 'AGE', value: ({ ageSeconds }) => shortDuration(ageSeconds), leftOut: 1 },
    { title: 'OF', value: ({ vm }) => vm, leftOut: 3 },
    { title: 'USED BY', value: ({ usedBy }) => usedBy.join(','), shrinks: true, leftOut: 3 },
    { title: 'PLACE', value: ({ host, provider }) => host ?? provider ?? '-', shrinks: true, leftOut: 4 },
    { title: 'DETAIL', value: ({ detail = '-' }) => detail, shrinks: true, leftOut: 5 },
  ],
};

export const SHOWN_MACHINE_IMAGES: Shown<MachineImage> = {
  nameOf: ({ name }) => name,
  none: 'no images of your own (`ephemera image add` registers one at a host)',
  columns: [
    { title: 'NAME', value: ({ name }) => name, leftOut: 0 },
    { title: 'PROVIDER', value: ({ provider }) => provider, leftOut: 2 },
    { title: 'LATEST', value: ({ latest }) => latest, leftOut: 0 },
    { title: 'VERSIONS', value: ({ versions }) => String(versions.length), leftOut: 3 },
    { title: 'KIND', value: ({ versions }) => versions[0]?.kind ?? '-', leftOut: 2 },
    { title: 'SIZE', value: ({ versions }) => size(versions[0]?.sizeBytes), leftOut: 1 },
    {
      title: 'HOSTS',
      value: ({ versions }) => (versions[0]?.hosts ?? []).map(({ host }) => host).join(','),
      shrinks: true,
      leftOut: 2,
    },
  ],
};

export const SHOWN_SESSIONS: Shown<Session> = {
  nameOf: ({ name }) => name,
  none: 'no closed sessions (`ephemera close` makes one)',
  columns: [
    { title: 'NAME', value: ({ name }) => name, leftOut: 0 },
    { title: 'CLOSED', value: ({ closedAt }, now) => `${age(closedAt, now)} ago`, leftOut: 0 },
    { title: 'SIZE', value: ({ sizeBytes }) => size(sizeBytes), leftOut: 1 },
    { title: 'IMAGES', value: ({ images }) => String(images), leftOut: 2 },
    {
      title: 'OPEN',
      value: ({ live }) => (live ? 'yes' : 'no'),
      colour: ({ live }) => (live ? 'green' : undefined),
      leftOut: 1,
    },
    { title: 'PLACE', value: ({ host = '-' }) => host, shrinks: true, leftOut: 3 },
    { title: 'IMAGE', value: ({ image }) => image, shrinks: true, leftOut: 4 },
  ],
};

const room = (free: number, of: number): string => `${Number(free.toFixed(1))}/${Number(of.toFixed(1))}`;

export const SHOWN_HOSTS: Shown<Host> = {
  nameOf: ({ id }) => id,
  none: 'no hosts (`ephemera join` on a computer makes it one; `ephemera hosts token` makes what that needs)',
  columns: [
    { title: 'ID', value: ({ id }) => id, leftOut: 0 },
    { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => HOST_COLOURS[state], leftOut: 0 },
    { title: 'MACHINES', value: ({ machines }) => String(machines), leftOut: 1 },
    { title: 'FREE CPUS', value: ({ free, capacity }) => room(free.cpus, capacity.cpus), leftOut: 1 },
    {
      title: 'FREE GB',
      value: ({ free, capacity }) => room(free.memoryMb / 1024, capacity.memoryMb / 1024),
      leftOut: 1,
    },
    { title: 'FREE DISK', value: ({ free, capacity }) => room(free.diskGb, capacity.diskGb), leftOut: 2 },
    { title: 'PROVIDERS', value: ({ provider }) => provider.join(','), leftOut: 3 },
    { title: 'ZONE', value: ({ zone = '-' }) => zone, leftOut: 4 },
    { title: 'VERSION', value: ({ version }) => version, leftOut: 5 },
    { title: 'SEEN', value: ({ lastSeenAt }, now) => `${age(lastSeenAt, now)} ago`, leftOut: 4 },
  ],
};

export const SHOWN_KEYS: Shown<Key> = {
  nameOf: ({ id }) => id,
  none: 'no keys',
  columns: [
    { title: 'ID', value: ({ id, isCaller }) => (isCaller ? `${id} *` : id), leftOut: 0 },
    { title: 'PROJECT', value: ({ project }) => project, leftOut: 0 },
    { title: 'ROLE', value: ({ role }) => role, leftOut: 0 },
    { title: 'ENDS WITH', value: ({ lastFour = '' }) => lastFour, leftOut: 3 },
    { title: 'CREATED', value: ({ createdAt }) => createdAt, leftOut: 4 },
    { title: 'EXPIRES', value: ({ expiresAt = 'never' }) => expiresAt, leftOut: 2 },
    {
      title: 'STATE',
      value: ({ state }) => state,
      colour: ({ state }) => (state === 'good' ? undefined : 'red'),
      leftOut: 1,
    },
    { title: 'LABEL', value: ({ label = '' }) => label, shrinks: true, leftOut: 2 },
  ],
};
