/** A gateway: users' browsers and programs on one side, VMs on the other. It keeps nothing, so several may run side by side. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import { hostPort } from '../lib/network/host-port.ts';
import { followCertificate, readCertificate } from '../lib/network/certificate-files.ts';
import { isOwnAddress } from '../lib/network/loopback.ts';
import { createHttpServer } from '../lib/network/http-server.ts';
import { LinkKeys } from './access/link-keys.ts';
import { MetricRegistry } from '../telemetry/metric-registry.ts';
import { GatewayMeter } from './gateway-meter.ts';
import { HttpGateway } from './http/http-gateway.ts';
import { HttpProxy } from './http/http-proxy.ts';
import { tcpGateway } from './tcp/tcp-gateway.ts';
import { ApiCalls } from './vms/api-calls.ts';
import { ConnectionCounts } from './vms/connection-counts.ts';
import { VmLookup } from './vms/vm-lookup.ts';
import { Wakes } from './vms/wakes.ts';
import { dial as dialAddress } from './vms/dial.ts';
import { Ways, type Dial } from './vms/ways.ts';

/** Headers are small and come soon; a body may be long, and come as slowly as the program in the VM takes it. */
const LIMITS = { maxHeaderBytes: 16 * 1024, headersTimeoutMs: 15_000, requestTimeoutMs: 0, checkMs: 5000 };
/** What is said at a stop gets this long. */
const CLOSE_MS = 2000;

export interface RunningGateway {
  /** Where it listens. */
  url: string;
  tcpPort: number | null;
  close: () => Promise<void>;
}

/** @throws an Error for a certificate that cannot be used, or the listen error of a port that is taken. */
export async function startGateway(
  settings: Settings,
  log: Logger,
  registry = new MetricRegistry(),
): Promise<RunningGateway> {
  const { gateway } = settings;
  const certificate = gateway.tls === null ? null : readCertificate(gateway.tls, 'EPHEMERA_GATEWAY_TLS');
  const { hostname, protocol } = new URL(gateway.url);
  const calls = new ApiCalls(settings.api.url, gateway.keys);
  const meter = new GatewayMeter(registry);
  const lookup = new VmLookup(calls);
  const dial: Dial = (vm, address) =>
    gateway.way === 'agent' && isOwnAddress(address.ip) ? calls.stream(vm) : dialAddress(address);
  const ways = new Ways({ calls, dial }, lookup, new Wakes(calls, lookup, { log, meter }));
  const { maxConnections, maxConnectionsPerVm: maxPerVm, countSeconds: leaseSeconds } = gateway;
  const counts = new ConnectionCounts({ calls, log, meter, by: `gateway-${randomUUID()}`, leaseSeconds, maxPerVm });
  const http = new HttpGateway({
    site: { domain: hostname, isSecure: protocol === 'https:' },
    access: gateway.access,
    links: new LinkKeys(calls),
    proxy: new HttpProxy(),
    ...{ ways, counts, meter, log },
  });
  const limits = { ...LIMITS, maxConnections };
  const server = createHttpServer((request, response) => void http.answer(request, response), { limits, certificate });
  server.on('upgrade', (request, socket, head: Buffer) => void http.upgrade(request, socket, head));
  const tcp =
    certificate === null || gateway.tcpPort === null
      ? null
      : tcpGateway(certificate, { domain: hostname, ...{ ways, counts, maxConnections, meter, log } });
  const servers = tcp === null ? [server] : [server, tcp];
  await listen(server, gateway.port, gateway.host);
  if (tcp !== null && gateway.tcpPort !== null) await listen(tcp, gateway.tcpPort, gateway.host);
  const unfollow =
    gateway.tls === null || certificate === null
      ? () => undefined
      : followCertificate([server, ...(tcp === null ? [] : [tcp])], {
          ...{ files: gateway.tls, setting: 'EPHEMERA_GATEWAY_TLS', who: 'the gateway', inUse: certificate, log },
        });
  const url = `${certificate === null ? 'http' : 'https'}://${hostPort(gateway.host, portOf(server))}`;
  log.info({ url, domain: hostname, access: gateway.access, projects: calls.projects }, 'the gateway is listening');
  return {
    url,
    tcpPort: tcp === null ? null : portOf(tcp),
    close: async () => {
      unfollow();
      for (const one of servers) one.close();
      await Promise.race([counts.close(), new Promise((resolve) => setTimeout(resolve, CLOSE_MS))]);
      server.closeAllConnections();
    },
  };
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
