import { resolve } from 'node:path';
import { notedSetting, setting, Together, type Known, type SettingTree } from '../../lib/settings/setting.ts';
import { addressOrRange, baseUrl, count, list, port, seconds, secretText, text } from '../../lib/settings/values.ts';
import { localApiUrl } from '../api-url.ts';
import { stateDir } from './state-dir.ts';

export const apiHost = setting(text, { about: 'address the API listens on', default: '127.0.0.1' });
export const apiPort = notedSetting(port, { about: 'port the API listens on; 0 takes any free one', default: 7400 });

const tlsCert = setting(text, {
  key: 'apiTlsCert',
  about: 'PEM file with the certificate of the API, which then speaks https://',
  path: true,
});
const tlsKey = setting(text, { key: 'apiTlsKey', about: 'PEM file with the key of that certificate', path: true });

/** Where machines reach the API for the HTTP agent link. */
export const apiUrl = setting(baseUrl, {
  about: 'where machines reach the API',
  default: ({ value }) => localApiUrl(value(apiHost), value(apiPort), value(tlsCert) === null ? 'http' : 'https'),
  shownDefault: 'where the API listens',
});

const peerHost = setting(text, {
  key: 'apiPeerHost',
  about:
    'address of this replica of the API for the other ones; of this computer or container, where they are on others',
  default: '127.0.0.1',
});

export const API_SETTINGS = {
  host: apiHost,
  port: apiPort,
  /** Where the other replicas of the API reach this one, for streams to machines whose agents report over HTTP. */
  peerHost,
  peerPort: setting(port, { about: 'port of that address; 0 takes any free one', default: 0 }),
  url: apiUrl,
  /** Absolute paths of the PEM files of a certificate and its key; null: the API speaks plain HTTP. */
  tls: new Together({ certFile: tlsCert, keyFile: tlsKey }),
  /** Absolute path of the PEM file by which machines verify the API; null: by the authorities of their own system. */
  caFile: setting(text, {
    key: 'apiCaCert',
    about: "PEM file with the certificate by which machines know the API; else the machines' own authorities",
    path: true,
  }),
  presetKey: setting(secretText, {
    key: 'apiKey',
    about: 'presets the first API key',
    secret: true,
    shownDefault: 'one that is made once and kept in the state directory',
  }),
  /** What one key, or one address without a valid key, may ask of one replica. */
  limits: {
    readsPerSecond: setting(count(1, 1_000_000), {
      key: 'apiReadsPerSecond',
      about: 'reads a second that one key may make, twice that at once',
      default: 2000,
    }),
    mutationsPerSecond: setting(count(1, 1_000_000), {
      key: 'apiMutationsPerSecond',
      about: 'changes a second that one key may make, ten times that at once',
      default: 100,
    }),
    wrongKeysPerMinute: setting(count(1, 1_000_000), {
      key: 'apiWrongKeysPerMinute',
      about: 'requests a minute without a valid key that one address may make',
      default: 120,
    }),
    waitsPerKey: setting(count(1, 100_000), {
      key: 'apiWaitsPerKey',
      about: 'requests of one key that may wait (?wait=) at once',
      default: 1000,
    }),
    watchersPerKey: setting(count(1, 100_000), {
      key: 'apiWatchersPerKey',
      about: 'streams of live events (GET /v1/events) that one key may have open',
      default: 2000,
    }),
    watchers: setting(count(1, 100_000), {
      key: 'apiWatchers',
      about: 'streams of live events that all keys together may have open at one replica; each is a connection',
      default: 5000,
    }),
  },
  /** How long a person who signed in to the dashboard stays so. */
  browserSessionSeconds: setting(seconds(60, 30 * 24 * 3600), {
    key: 'browserSessionSeconds',
    about: 'how long one who signed in to the dashboard stays signed in',
    default: 12 * 3600,
  }),
  webhooks: {
    /** Empty: public addresses alone, over https. */
    privateTargets: setting(list(addressOrRange, 0), {
      key: 'webhookPrivateTargets',
      about:
        'addresses or ranges that are not public and that webhooks may name all the same, also over http; none by default',
      default: [],
    }),
    disabledAfterSeconds: setting(seconds(60, 365 * 24 * 3600), {
      key: 'webhookDisabledAfterSeconds',
      about: 'a webhook that takes nothing for so long is disabled, until somebody enables it',
      default: 5 * 24 * 3600,
    }),
  },
  /** Empty: the address of a caller is that of its connection. */
  trustedProxies: setting(list(addressOrRange, 0), {
    about: 'addresses or ranges of reverse proxies whose X-Forwarded-For is believed; none by default',
    default: [],
  }),
  auditLog: setting(text, {
    key: 'auditLog',
    about: 'file that gets one line for each change and who made it; - is standard output',
    path: true,
    default: ({ value }) => resolve(value(stateDir), 'audit.log'),
    shownDefault: 'audit.log in the state directory',
  }),
} satisfies SettingTree;

/** A certificate is worth nothing without its key, and an address that machines would speak plain HTTP to. */
export function apiContradictions({ written, source }: Known): string[] {
  const peer = written(peerHost) ?? '';
  const anywhere = EVERY_ADDRESS.includes(peer)
    ? [`${source(peerHost)}: other replicas cannot reach ${peer}; name an address of this computer`]
    : [];
  return [...anywhere, ...tlsContradictions({ written, source })];
}

/** Addresses that mean all of a computer's: good to listen on, and worth nothing to others. */
const EVERY_ADDRESS = ['0.0.0.0', '::'];

function tlsContradictions({ written, source }: Pick<Known, 'written' | 'source'>): string[] {
  const [cert, key] = [written(tlsCert), written(tlsKey)];
  if (cert === undefined && key === undefined) return [];
  if (key === undefined) return [`${source(tlsCert)}: has no key; set EPHEMERA_API_TLS_KEY too`];
  if (cert === undefined) return [`${source(tlsKey)}: of which certificate? set EPHEMERA_API_TLS_CERT too`];
  if (written(apiUrl)?.startsWith('http://') !== true) return [];
  return [`${source(apiUrl)}: starts with http://, but with ${source(tlsCert)} the API speaks https:// alone`];
}
