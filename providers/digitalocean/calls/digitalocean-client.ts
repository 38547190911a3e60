import type { DigitalOceanApi } from './digitalocean-api.ts';

export interface DigitalOceanAccess {
  /** Null where the endpoint wants none. */
  token: string | null;
  /** Another endpoint than DigitalOcean's; null: its own. */
  endpoint: string | null;
}

const ENDPOINT = 'https://api.digitalocean.com';
/** Longest wait for one answer. */
const ANSWER_TIMEOUT_MS = 30_000;

interface Adapter {
  baseUrl: string;
}

interface ClientPackage {
  createDigitalOceanClient(adapter: Adapter): DigitalOceanApi;
  DigitalOceanApiKeyAuthenticationProvider: new (token: string) => object;
}

interface TransportPackage {
  FetchRequestAdapter: new (authentication: object, reader: undefined, writer: undefined, http: object) => Adapter;
  HttpClient: new (fetch: typeof globalThis.fetch, ...middlewares: object[]) => object;
  ParametersNameDecodingHandler: new () => object;
}

/**
 * The official client. Its packages are loaded here and not before, and under no type of theirs: the client comes as TypeScript of
 * 3 MB, which every check of types would read. It makes no retry and follows no redirect: ours are counted.
 */
export async function digitalOceanClient({ token, endpoint }: DigitalOceanAccess): Promise<DigitalOceanApi> {
  const client = (await import('@digitalocean/dots' satisfies string)) as ClientPackage;
  const transport = (await import('@microsoft/kiota-http-fetchlibrary' satisfies string)) as TransportPackage;
  const authentication = new client.DigitalOceanApiKeyAuthenticationProvider(token ?? 'none');
  const http = new transport.HttpClient(boundedFetch, new transport.ParametersNameDecodingHandler());
  const adapter = new transport.FetchRequestAdapter(authentication, undefined, undefined, http);
  adapter.baseUrl = (endpoint ?? ENDPOINT).replace(/\/+$/, '');
  return client.createDigitalOceanClient(adapter);
}

const boundedFetch: typeof globalThis.fetch = (url, init) =>
  fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
