/**
 * The parts of @azure/arm-compute and @azure/arm-network that we call, and the fields that we read and write; azure-clients.ts
 * hands the official clients over as this, so that the compiler compares the two.
 */

export interface ImageReference {
  id?: string;
  publisher?: string;
  offer?: string;
  sku?: string;
  version?: string;
}

export interface InstanceStatus {
  /** `PowerState/running`, `ProvisioningState/failed/AllocationFailed`. */
  code?: string;
  message?: string;
}

/** A virtual machine. */
export interface MachineResource {
  id?: string;
  name?: string;
  location: string;
  tags?: Record<string, string>;
  zones?: string[];
  etag?: string;
  hardwareProfile?: { vmSize?: string };
  storageProfile?: {
    imageReference?: ImageReference;
    osDisk?: {
      name?: string;
      createOption: string;
      deleteOption?: string;
      diskSizeGB?: number;
      managedDisk?: { id?: string; storageAccountType?: string };
    };
  };
  osProfile?: {
    computerName?: string;
    adminUsername?: string;
    customData?: string;
    allowExtensionOperations?: boolean;
    linuxConfiguration?: {
      disablePasswordAuthentication?: boolean;
      provisionVMAgent?: boolean;
      ssh?: { publicKeys?: { path?: string; keyData?: string }[] };
    };
  };
  networkProfile?: { networkInterfaces?: { id?: string; primary?: boolean; deleteOption?: string }[] };
  diagnosticsProfile?: { bootDiagnostics?: { enabled?: boolean } };
  priority?: string;
  evictionPolicy?: string;
  billingProfile?: { maxPrice?: number };
  userData?: string;
  readonly provisioningState?: string;
  readonly vmId?: string;
  readonly timeCreated?: Date;
  readonly instanceView?: { hyperVGeneration?: string; statuses?: InstanceStatus[] };
}

export interface MachineChange {
  tags?: Record<string, string>;
  userData?: string;
}

export interface NetworkInterfaceResource {
  id?: string;
  name?: string;
  location?: string;
  tags?: Record<string, string>;
  ipConfigurations?: {
    name?: string;
    primary?: boolean;
    privateIPAddress?: string;
    privateIPAllocationMethod?: string;
    subnet?: { id?: string };
    publicIPAddress?: { id?: string; deleteOption?: string };
  }[];
  networkSecurityGroup?: { id?: string };
  virtualMachine?: { id?: string };
  readonly provisioningState?: string;
}

export interface PublicIpResource {
  id?: string;
  name?: string;
  location?: string;
  zones?: string[];
  tags?: Record<string, string>;
  sku?: { name?: string; tier?: string };
  publicIPAllocationMethod?: string;
  publicIPAddressVersion?: string;
  ipAddress?: string;
  ipConfiguration?: { id?: string };
  readonly provisioningState?: string;
}

export interface ApplicationSecurityGroupResource {
  name?: string;
  location?: string;
  tags?: Record<string, string>;
}

export interface DiskResource {
  id?: string;
  name?: string;
  managedBy?: string;
}

export interface ImageResource {
  id?: string;
  name?: string;
  location: string;
  tags?: Record<string, string>;
  hyperVGeneration?: string;
  storageProfile?: {
    osDisk?: { osType: string; osState: string; managedDisk?: { id?: string }; diskSizeGB?: number };
  };
  readonly provisioningState?: string;
}

/** What one call of the clients may take. */
export interface CallOptions {
  requestOptions: { timeout: number };
  onResponse?: (response: RawResponse) => void;
}

/** An answer as it came: the body has `properties` below it. */
export interface RawResponse {
  status: number;
  parsedBody?: unknown;
  bodyAsText?: string | null;
}

/** A long-running operation. It is a promise of its end too, so it is never awaited itself. */
export interface Poller {
  /** Resolves when the operation was accepted. */
  submitted(): Promise<void>;
}

export interface Pages<Item> {
  byPage(settings: { continuationToken?: string }): AsyncIterableIterator<Item[] & { continuationToken?: string }>;
}

/** Operations on one kind of thing in a resource group. */
interface Group<Resource, Update = never, Options = CallOptions> {
  createOrUpdate(resourceGroup: string, name: string, resource: Resource, options: Options): Poller;
  get(resourceGroup: string, name: string, options: CallOptions): Promise<Resource>;
  update(resourceGroup: string, name: string, change: Update, options: Options): Poller;
  delete(resourceGroup: string, name: string, options: CallOptions): Poller;
}

/** Of the etag that was read, or `*` where there must be none. */
export interface ConditionalOptions extends CallOptions {
  ifMatch?: string;
  ifNoneMatch?: string;
}

export interface MachinesApi extends Omit<Group<MachineResource, MachineChange, ConditionalOptions>, 'get'> {
  get(
    resourceGroup: string,
    name: string,
    options: CallOptions & { expand?: 'instanceView' | 'userData' },
  ): Promise<MachineResource>;
  list(resourceGroup: string, options: CallOptions): Pages<MachineResource>;
  /** Of the whole subscription; with `statusOnly` each with its id and instance view. */
  listAll(options: CallOptions & { statusOnly: 'true' }): Pages<MachineResource>;
  deallocate(resourceGroup: string, name: string, options: CallOptions): Poller;
  start(resourceGroup: string, name: string, options: CallOptions): Poller;
  retrieveBootDiagnosticsData(
    resourceGroup: string,
    name: string,
    options: CallOptions & { sasUriExpirationTimeInMinutes: number },
  ): Promise<{ serialConsoleLogBlobUri?: string }>;
}

export interface ImagesApi extends Group<ImageResource, { tags: Record<string, string> }> {
  listByResourceGroup(resourceGroup: string, options: CallOptions): Pages<ImageResource>;
}

interface Listed<Resource> extends Omit<Group<Resource>, 'update'> {
  list(resourceGroup: string, options: CallOptions): Pages<Resource>;
}

/** The clients of one subscription and endpoint. */
export interface AzureApi {
  virtualMachines: MachinesApi;
  networkInterfaces: Listed<NetworkInterfaceResource>;
  publicIPAddresses: Listed<PublicIpResource>;
  /** They group nothing here: each is a name that is taken. */
  applicationSecurityGroups: Listed<ApplicationSecurityGroupResource>;
  disks: Pick<Group<DiskResource>, 'delete'>;
  images: ImagesApi;
}
