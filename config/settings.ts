import type { GcpRules } from '../domain/gcp-rules.ts';

/** `auto`: KVM where a guest really boots with it, else software emulation. */
export const QEMU_ACCELERATORS = ['auto', 'tcg', 'kvm-microvm', 'kvm-q35'] as const;
export type QemuAccelerator = (typeof QEMU_ACCELERATORS)[number];

export type WorkerRole = 'control' | 'host';

/** Everything that can be set, validated and typed. Other code gets this; nobody else reads the environment. */
export interface Settings {
  /** `.ephemera/` in the checkout by default; absolute. */
  stateDir: string;
  deployment: string;
  /** Providers this deployment offers; the first is the default one. */
  providers: string[];
  hostId: string;
  /** The deployment's secret key as it was set, hex or base64; null when one is kept in the state directory. */
  secretKey: string | null;
  api: {
    host: string;
    port: number;
    portWasAsked: boolean;
    presetKey: string | null;
    /** Where machines reach the API for the HTTP agent link. */
    url: string;
    /** Absolute paths of the PEM files of a certificate and its key; null: the API speaks plain HTTP. */
    tls: { certFile: string; keyFile: string } | null;
    /** Absolute path of the PEM file by which machines verify the API; null: by the authorities of their own system. */
    caFile: string | null;
    /** What one key, or one address without a valid key, may ask of one replica. */
    limits: { readsPerSecond: number; mutationsPerSecond: number; wrongKeysPerMinute: number; waitsPerKey: number };
    /** Addresses and ranges whose X-Forwarded-For is believed; empty: the address of a caller is that of its connection. */
    trustedProxies: string[];
    /** Absolute path of the audit log; `-` is standard output. */
    auditLog: string;
  };
  temporal: {
    /** `host:port` of a server that was named (flag, TEMPORAL_ADDRESS, yaml or profile); null for one that we start. */
    address: string | null;
    namespace: string;
    port: number;
    uiPort: number;
    portWasAsked: boolean;
    uiPortWasAsked: boolean;
    uiUrl: string | null;
    controlTaskQueue: string;
    /** Path of the Temporal CLI to start a server with; null when it is to be found. */
    cliPath: string | null;
  };
  worker: {
    roles: WorkerRole[];
    internalHost: string;
    internalPort: number;
    internalPortWasAsked: boolean;
    /** Name of the Temporal worker deployment that control workers belong to; null: they run without versions. */
    deployment: string | null;
    /** Version of the workflow code in that deployment; null: derived from the code. */
    buildId: string | null;
  };
  metrics: {
    host: string;
    /** What scrapers send as bearer token; null where everybody on this computer may look. */
    token: string | null;
    apiPort: number;
    apiPortWasAsked: boolean;
    workerPort: number;
    workerPortWasAsked: boolean;
  };
  /** Pause between two sweeps for machines that nobody owns. */
  sweepIntervalSeconds: number;
  /** What this host gives to machines; null: measured when the worker starts. */
  host: { cpus: number | null; memoryMb: number | null; diskGb: number | null };
  /** Limits of the calls to a provider, by its name; without one the provider's default. */
  providerCalls: { perSecond: Readonly<Record<string, number>>; burst: Readonly<Record<string, number>> };
  local: {
    agentTransport: 'unix' | 'http';
    /** Said in so many words: whoever has an API key may do what the worker's user may. */
    trustAllKeys: boolean;
  };
  qemu: {
    /** Directory of the image for guests; null when the host has none. */
    imageDir: string | null;
    accelerator: QemuAccelerator;
  };
  gcp: {
    project: string | null;
    zones: string[];
    /** What specs may ask for. */
    rules: GcpRules;
    /** Another endpoint than Google's; `http://` means without credentials. */
    endpoint: string | null;
    /** Service account without roles that machines prove themselves with; null: a one-time secret in their metadata. */
    serviceAccount: string | null;
    /** Where machines fetch vm-server; `none` where their images have it; null: from the API. */
    vmServerUrl: string | null;
    diskType: string;
  };
  logLevel: 'debug' | 'info' | 'warn' | 'error';
}
