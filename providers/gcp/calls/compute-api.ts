/**
 * The part of @google-cloud/compute that we call, and the fields that we read and write. The package's own types are
 * one file of 33 MB, which would cost every type check 11 seconds and 700 MB; see docs/decisions/0010.
 */

export interface MetadataItem {
  key: string;
  value: string;
}

export interface AccessConfig {
  name?: string;
  type?: string;
  natIP?: string;
}

export interface NetworkInterface {
  network?: string;
  subnetwork?: string;
  networkIP?: string;
  accessConfigs?: AccessConfig[];
}

export interface AttachedDisk {
  boot?: boolean;
  autoDelete?: boolean;
  source?: string;
  initializeParams?: {
    diskName?: string;
    diskSizeGb?: string | number;
    diskType?: string;
    sourceImage?: string;
    labels?: Record<string, string>;
  };
}

export interface Scheduling {
  automaticRestart?: boolean;
  onHostMaintenance?: string;
  provisioningModel?: string;
  instanceTerminationAction?: string;
  maxRunDuration?: { seconds: string | number };
}

/** A Compute Engine instance. int64 fields come as strings or numbers. */
export interface InstanceResource {
  id?: string | number;
  name?: string;
  status?: string;
  /** Of an answer: a URL. */
  zone?: string;
  machineType?: string;
  creationTimestamp?: string;
  labels?: Record<string, string>;
  labelFingerprint?: string;
  metadata?: { fingerprint?: string; items?: MetadataItem[] };
  tags?: { items?: string[] };
  disks?: AttachedDisk[];
  networkInterfaces?: NetworkInterface[];
  serviceAccounts?: { email: string; scopes: string[] }[];
  scheduling?: Scheduling;
  shieldedInstanceConfig?: { enableSecureBoot: boolean; enableVtpm: boolean; enableIntegrityMonitoring: boolean };
}

export interface OperationResource {
  name?: string;
  operationType?: string;
  status?: string;
  targetLink?: string;
  zone?: string;
  insertTime?: string;
  endTime?: string;
  httpErrorStatusCode?: number;
  httpErrorMessage?: string;
  error?: { errors?: { code?: string; message?: string; location?: string }[] } | null;
}

export interface ImageResource {
  name?: string;
  family?: string;
  description?: string;
  status?: string;
  sourceDisk?: string;
  sourceImage?: string;
  labels?: Record<string, string>;
  creationTimestamp?: string;
  diskSizeGb?: string | number;
  /** Bytes that it takes, of one that is READY. */
  archiveSizeBytes?: string | number;
  deprecated?: { state?: string; replacement?: string } | null;
}

/** What one call of the client may take. `retry: null`: retries are ours alone, so that they are counted. */
export interface CallOptions {
  timeout: number;
  retry: null;
  autoPaginate?: boolean;
}

type Call<Request, Answer> = (request: Request, options: CallOptions) => Promise<[Answer, ...unknown[]]>;
type Mutation<Request> = Call<Request, { latestResponse: OperationResource }>;
type ByPage<Request, Item> = (request: Request, options: CallOptions) => AsyncIterable<Item>;

interface Zonal {
  project: string;
  zone: string;
}
interface OneInstance extends Zonal {
  instance: string;
}
interface InstanceMutation extends OneInstance {
  requestId?: string;
}
interface Listing {
  project: string;
  filter?: string;
  maxResults?: number;
  returnPartialSuccess?: boolean;
}

export interface InstancesApi {
  insert: Mutation<Zonal & { requestId: string; instanceResource: InstanceResource }>;
  get: Call<OneInstance, InstanceResource>;
  delete: Mutation<InstanceMutation>;
  stop: Mutation<InstanceMutation>;
  start: Mutation<InstanceMutation>;
  suspend: Mutation<InstanceMutation>;
  resume: Mutation<InstanceMutation>;
  setLabels: Mutation<
    InstanceMutation & {
      instancesSetLabelsRequestResource: { labels: Record<string, string>; labelFingerprint: string };
    }
  >;
  setMetadata: Mutation<InstanceMutation & { metadataResource: { items: MetadataItem[]; fingerprint: string } }>;
  getSerialPortOutput: Call<OneInstance & { port: number }, { contents?: string }>;
  aggregatedListAsync: ByPage<
    Listing,
    [string, { instances?: InstanceResource[] | null; warning?: { code?: string } | null }]
  >;
}

export interface ZoneOperationsApi {
  wait: Call<Zonal & { operation: string }, OperationResource>;
}

export interface GlobalOperationsApi {
  wait: Call<{ project: string; operation: string }, OperationResource>;
  listAsync: ByPage<Listing, OperationResource>;
  /** Of all zones. */
  aggregatedListAsync: ByPage<Listing, [string, { operations?: OperationResource[] | null }]>;
}

export interface ImagesApi {
  get: Call<{ project: string; image: string }, ImageResource>;
  getFromFamily: Call<{ project: string; family: string }, ImageResource>;
  insert: Mutation<{ project: string; requestId: string; imageResource: ImageResource; forceCreate?: boolean }>;
  listAsync: ByPage<Listing, ImageResource>;
  deprecate: Mutation<{
    project: string;
    image: string;
    requestId: string;
    deprecationStatusResource: { state: string; replacement?: string };
  }>;
  delete: Mutation<{ project: string; image: string; requestId: string }>;
}

/** The clients of one project and endpoint. */
export interface ComputeApi {
  instances: InstancesApi;
  zoneOperations: ZoneOperationsApi;
  globalOperations: GlobalOperationsApi;
  images: ImagesApi;
}
