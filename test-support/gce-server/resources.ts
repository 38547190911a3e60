/** What the server keeps, in the shape in which it is answered. */
export interface MetadataItem {
  key: string;
  value: string;
}

export interface Disk {
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

export interface NetworkInterface {
  network?: string;
  subnetwork?: string;
  networkIP?: string;
  accessConfigs?: { name?: string; type?: string; natIP?: string }[];
}

export interface Instance {
  kind?: string;
  id?: string;
  name?: string;
  zone?: string;
  selfLink?: string;
  status?: string;
  creationTimestamp?: string;
  machineType?: string;
  labels?: Record<string, string>;
  labelFingerprint?: string;
  metadata?: { fingerprint?: string; items?: MetadataItem[] };
  tags?: { items?: string[] };
  disks?: Disk[];
  networkInterfaces?: NetworkInterface[];
  serviceAccounts?: { email: string; scopes: string[] }[];
  scheduling?: {
    automaticRestart?: boolean;
    onHostMaintenance?: string;
    provisioningModel?: string;
    instanceTerminationAction?: string;
    maxRunDuration?: { seconds: string | number };
  };
}

export interface OperationError {
  code: string;
  message: string;
}

export interface Operation {
  kind: string;
  id: string;
  name: string;
  zone?: string;
  operationType: string;
  status: 'PENDING' | 'RUNNING' | 'DONE';
  progress: number;
  targetLink: string;
  insertTime: string;
  startTime?: string;
  endTime?: string;
  selfLink: string;
  httpErrorStatusCode?: number;
  httpErrorMessage?: string;
  error?: { errors: OperationError[] };
}

export interface Image {
  kind: string;
  id: string;
  name: string;
  family?: string;
  description?: string;
  status: string;
  sourceDisk?: string;
  sourceImage?: string;
  labels?: Record<string, string>;
  creationTimestamp: string;
  diskSizeGb: string;
  /** Bytes that it takes, once it is READY. */
  archiveSizeBytes?: string;
  selfLink: string;
  deprecated?: { state: string; replacement?: string };
}

/** What is on a disk or in an image: contents by path. */
export type DiskFiles = Map<string, Buffer>;

export interface DiskResource {
  name: string;
  zone: string;
  sizeGb: number;
  files: DiskFiles;
  /** The instance it is deleted with. */
  users: string[];
}
