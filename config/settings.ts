/** Everything that can be set, validated and typed. Other code gets this; nobody else reads the environment. */
export interface Settings {
  /** `.ephemera/` in the checkout by default; absolute. */
  stateDir: string;
  deployment: string;
  /** Providers this deployment offers; the first is the default one. */
  providers: string[];
  hostId: string;
  api: { host: string; port: number; portWasAsked: boolean; presetKey: string | null };
  temporal: {
    /** Null when the address comes from a Temporal profile or a server that we start. */
    address: string | null;
    namespace: string;
    port: number;
    uiPort: number;
    portWasAsked: boolean;
    uiUrl: string | null;
    controlTaskQueue: string;
  };
  worker: { roles: ('control' | 'host')[]; internalHost: string; internalPort: number };
  local: { agentTransport: 'unix' | 'http' };
  logLevel: 'debug' | 'info' | 'warn' | 'error';
}
