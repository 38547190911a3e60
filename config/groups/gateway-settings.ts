import { isIP } from 'node:net';
import { z } from 'zod';
import { setting, Together, type Known, type SettingTree } from '../../lib/settings/setting.ts';
import { baseUrl, count, label, map, oneOf, port, seconds, secretText, text } from '../../lib/settings/values.ts';

const gatewayPort = setting(port, { about: 'port a gateway listens on for HTTP', default: 7480 });
const tlsCert = setting(text, {
  key: 'gatewayTlsCert',
  about: 'PEM file with the certificate of a gateway, for *. and its domain; it then speaks https://',
  path: true,
});
const tlsKey = setting(text, { key: 'gatewayTlsKey', about: 'PEM file with the key of that certificate', path: true });
const tcpPort = setting(port, {
  about:
    'port a gateway listens on for TCP within TLS, whose server name says which VM is meant; needs its certificate',
});
const access = setting(oneOf(['links', 'open']), {
  about: 'links: a gateway lets in who has a signed link alone; open: everybody',
  default: 'links',
});

/** A key without a project is of the project `default`. */
const keysByProject = z.preprocess(
  (written) => (typeof written === 'string' && !written.includes('=') ? { default: written } : written),
  map(label(63), secretText),
);

const gatewayUrl = baseUrl.refine(isNameAlone, {
  error:
    'must be a scheme, a host name and perhaps a port: names of VMs come before the host name, and an address can have none',
});

function isNameAlone(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname, pathname, search, hash, username } = new URL(url);
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 && pathname === '/' && search + hash + username === '';
}

/** For `npm run gateway`; the API makes links with its URL. */
export const GATEWAY_SETTINGS = {
  host: setting(text, { about: 'address a gateway listens on', default: '127.0.0.1' }),
  port: gatewayPort,
  /** Where browsers reach it, without the names of VMs before its domain. */
  url: setting(gatewayUrl, {
    about: 'where users reach the gateways: https://vms.example.com for names such as 8080--lobby.vms.example.com',
    default: ({ value }) => `${value(tlsCert) === null ? 'http' : 'https'}://localhost:${value(gatewayPort)}`,
    shownDefault: 'localhost, where a gateway listens',
  }),
  /** Absolute paths of its certificate and key; null: it speaks plain HTTP. */
  tls: new Together({ certFile: tlsCert, keyFile: tlsKey }),
  tcpPort,
  access,
  way: setting(oneOf(['address', 'agent']), {
    about:
      'address: a gateway dials the address of a VM; agent: where that is on the loopback of its host, it goes through the API and the agent of the VM',
    default: 'address',
  }),
  /** Of operators, by project. */
  keys: setting(keysByProject, {
    about:
      'API keys with which a gateway asks, one for each project: default=eph_…,games=eph_…; one alone is of default',
    secret: true,
    default: {},
    shownDefault: 'none; a gateway needs one',
  }),
  countSeconds: setting(seconds(0, 3600), {
    about:
      'seconds that a count of a gateway holds, for VMs whose agent does not count, unless it is said again; 0 counts for none',
    default: 180,
  }),
  maxConnections: setting(count(1, 1_000_000), { about: 'connections that a gateway takes at once', default: 10_000 }),
  maxConnectionsPerVm: setting(count(1, 1_000_000), {
    about: 'connections to one VM that a gateway takes at once',
    default: 1000,
  }),
} satisfies SettingTree;

/** A certificate is worth nothing without its key, and what cannot be shown a link must not be told to ask for one. */
export function gatewayContradictions({ written, value, source, isWrong }: Known): string[] {
  const [cert, key] = [written(tlsCert), written(tlsKey)];
  const found: string[] = [];
  if (cert === undefined && key !== undefined)
    found.push(`${source(tlsKey)}: of which certificate? set EPHEMERA_GATEWAY_TLS_CERT too`);
  if (cert !== undefined && key === undefined)
    found.push(`${source(tlsCert)}: has no key; set EPHEMERA_GATEWAY_TLS_KEY too`);
  if (written(tcpPort) === undefined || isWrong(access)) return found;
  if (cert === undefined)
    found.push(`${source(tcpPort)}: needs a certificate; set EPHEMERA_GATEWAY_TLS_CERT and EPHEMERA_GATEWAY_TLS_KEY`);
  if (value(access) === 'links') {
    found.push(
      `${source(tcpPort)}: nobody can show a link over TCP, so it is for EPHEMERA_GATEWAY_ACCESS=open alone; start a second gateway for it`,
    );
  }
  return found;
}
