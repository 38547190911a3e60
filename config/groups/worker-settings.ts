import { z } from 'zod';
import { DNS_LABEL, LABEL_KEY, LABEL_VALUE } from '../../domain/labels.ts';
import { parseAddressRange } from '../../domain/network/address-range.ts';
import { TIMEOUTS } from '../../domain/timeouts.ts';
import { isOwnAddress } from '../../lib/network/loopback.ts';
import { notedSetting, setting, type Known, type SettingTree } from '../../lib/settings/setting.ts';
import { amount, list, map, oneOf, port, seconds, secretText, text } from '../../lib/settings/values.ts';

/** Temporal joins deployment and build with a colon, earlier ones with a dot. */
const versionPart = text.refine((value) => /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/.test(value), {
  error: 'must be at most 100 letters, digits and . _ + -',
});

const deployment = setting(versionPart, {
  about: 'Temporal worker deployment of the control workers; without it they run unversioned',
});
const buildId = setting(versionPart, {
  about: 'version of the workflow code in that deployment; else derived from the code',
});

export const WORKER_SETTINGS = {
  roles: setting(list(oneOf(['control', 'host']), 1), {
    about: 'what this worker does: control, host or both',
    default: ['control', 'host'],
  }),
  /** Name of the Temporal worker deployment that control workers belong to; null: they run without versions. */
  deployment,
  buildId,
  internalHost: setting(text, {
    key: 'internalHost',
    about: "address of the worker's internal endpoint",
    default: '127.0.0.1',
  }),
  internalPort: notedSetting(port, {
    key: 'internalPort',
    about: "port of the worker's internal endpoint",
    default: 7401,
  }),
} satisfies SettingTree;

const LABELS_LOOK = 'must look like disk=ssd,room=b2';
const dnsLabel = text.refine((value) => DNS_LABEL.test(value), {
  error: 'must be 1 to 63 of a-z, 0-9 and "-", a letter first, no "-" at the end',
});
const labelKey = z.string().regex(LABEL_KEY, `${LABELS_LOOK}: a key is 1 to 63 of a-z, 0-9, ".", "_", "-"`);
const labelValue = z
  .string(LABELS_LOOK)
  .regex(LABEL_VALUE, `${LABELS_LOOK}: a value is at most 63 of A-Z, a-z, 0-9, ".", "_", "-"`);

const metricsHost = setting(text, { about: 'address that metrics are served on', default: '127.0.0.1' });
const metricsToken = setting(secretText, {
  about: 'bearer token that readers of metrics send; needed where metrics leave this computer',
  secret: true,
});

export const METRICS_SETTINGS = {
  host: metricsHost,
  apiPort: notedSetting(port, { key: 'metricsPort', about: "port of the API's metrics", default: 7402 }),
  workerPort: notedSetting(port, { key: 'workerMetricsPort', about: "port of the worker's metrics", default: 7403 }),
  gatewayPort: notedSetting(port, { key: 'gatewayMetricsPort', about: "port of a gateway's metrics", default: 7404 }),
  token: metricsToken,
} satisfies SettingTree;

const addressRange = text.superRefine((written, context) => {
  const range = parseAddressRange(written);
  if (typeof range === 'string') context.addIssue({ code: 'custom', message: range });
});

export const HOST_SETTINGS = {
  // What this host gives to machines; null: measured when the worker starts.
  cpus: setting(amount('cpus', 100_000), {
    about: 'virtual cpus that this host gives to machines',
    shownDefault: 'four for each core',
  }),
  memoryMb: setting(amount('MB', 100_000_000), {
    about: 'memory in MB that this host gives to machines',
    shownDefault: 'all but a reserve',
  }),
  diskGb: setting(amount('GB', 10_000_000), {
    about: 'disk in GB that this host gives to machines',
    shownDefault: 'what is free but a reserve',
  }),
  imageCacheGb: setting(amount('GB', 10_000_000), {
    about: 'GB that machine images may take which this host fetched from others; those registered on it do not count',
    default: 50,
  }),
  addresses: setting(list(addressRange, 0), {
    key: 'hostAddresses',
    about: 'ranges that are routed to this host, as 192.0.2.64/27: each of its machines gets an address of them',
    default: [],
    shownDefault: 'none, so that machines have loopback addresses',
    namesWrongItem: true,
  }),
  /** Null: in no zone. */
  zone: setting(dnsLabel, {
    about: 'zone that this host is in, for specs that name zones',
    shownDefault: 'none',
  }),
  labels: setting(map(labelKey, labelValue), {
    about: 'labels that specs choose this host by, as disk=ssd,room=b2',
    default: {},
    shownDefault: 'none',
  }),
  lostSeconds: setting(seconds(TIMEOUTS.hostLostMinSeconds, 7 * 24 * 3600), {
    about: 'seconds that this host may be away until its machines count as lost; before that it stops them itself',
    default: TIMEOUTS.hostLostSeconds,
  }),
} satisfies SettingTree;

export function workerContradictions({ written, source }: Known): string[] {
  const found: string[] = [];
  if (written(buildId) !== undefined && written(deployment) === undefined) {
    found.push(`${source(buildId)}: of which deployment? set EPHEMERA_WORKER_DEPLOYMENT too`);
  }
  const host = written(metricsHost);
  if (host !== undefined && !isOwnAddress(host) && written(metricsToken) === undefined) {
    found.push(`${source(metricsHost)}: metrics that leave this computer need EPHEMERA_METRICS_TOKEN too`);
  }
  return found;
}
