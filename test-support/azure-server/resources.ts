/** The resources of a subscription, with the fields that this server reads or writes; what else a body has is kept as it came. */
export interface Reference {
  id: string;
}

export interface Resource<Properties> {
  id: string;
  name: string;
  /** `Microsoft.Compute/virtualMachines`. */
  type: string;
  location?: string;
  tags?: Record<string, string>;
  zones?: string[];
  sku?: { name?: string; tier?: string };
  etag?: string;
  properties: Properties & { provisioningState?: ProvisioningState };
}

export type ProvisioningState = 'Creating' | 'Updating' | 'Succeeded' | 'Failed' | 'Deleting';
export type AnyResource = Resource<object>;
export type DeleteOption = 'Delete' | 'Detach';

/** What is on a disk. */
export type DiskFiles = Map<string, Buffer>;

export interface ImageReference {
  id?: string;
  publisher?: string;
  offer?: string;
  sku?: string;
  version?: string;
  exactVersion?: string;
}

export interface OsDisk {
  osType?: string;
  name?: string;
  createOption: string;
  deleteOption?: DeleteOption;
  diskSizeGB?: number;
  managedDisk?: { id?: string; storageAccountType?: string };
}

export interface OsProfile {
  computerName?: string;
  adminUsername?: string;
  adminPassword?: string;
  customData?: string;
  linuxConfiguration?: {
    disablePasswordAuthentication?: boolean;
    ssh?: { publicKeys?: { path?: string; keyData?: string }[] };
  };
}

export interface NetworkInterfaceReference {
  id: string;
  properties?: { primary?: boolean; deleteOption?: DeleteOption };
}

export interface VmProperties {
  vmId?: string;
  timeCreated?: string;
  hardwareProfile?: { vmSize?: string };
  storageProfile?: { imageReference?: ImageReference; osDisk?: OsDisk };
  osProfile?: OsProfile;
  networkProfile?: { networkInterfaces?: NetworkInterfaceReference[] };
  securityProfile?: { securityType?: string };
  diagnosticsProfile?: { bootDiagnostics?: { enabled?: boolean } };
  additionalCapabilities?: { hibernationEnabled?: boolean };
  priority?: string;
  evictionPolicy?: string;
  billingProfile?: { maxPrice?: number };
  userData?: string;
}

export type Vm = Resource<VmProperties>;

export interface IpConfiguration {
  name: string;
  id?: string;
  properties: {
    subnet?: Reference;
    primary?: boolean;
    privateIPAddress?: string;
    privateIPAllocationMethod?: string;
    publicIPAddress?: Reference & { properties?: { deleteOption?: DeleteOption } };
  };
}

export interface NicProperties {
  ipConfigurations?: IpConfiguration[];
  networkSecurityGroup?: Reference;
  enableAcceleratedNetworking?: boolean;
  virtualMachine?: Reference;
  macAddress?: string;
}

export type Nic = Resource<NicProperties>;

export interface PublicIpProperties {
  publicIPAllocationMethod?: string;
  publicIPAddressVersion?: string;
  ipAddress?: string;
  ipConfiguration?: Reference;
  deleteOption?: DeleteOption;
}

export type PublicIp = Resource<PublicIpProperties>;

export interface CreationData {
  createOption: string;
  sourceResourceId?: string;
  imageReference?: { id?: string };
  galleryImageReference?: { id?: string };
}

export interface DiskProperties {
  creationData: CreationData;
  diskSizeGB?: number;
  diskSizeBytes?: number;
  osType?: string;
  timeCreated?: string;
  diskState?: string;
  incremental?: boolean;
  completionPercent?: number;
}

/** A disk or a snapshot; of a disk also which VM has it. */
export type Disk = Resource<DiskProperties> & { managedBy?: string };

export interface ManagedImageProperties {
  sourceVirtualMachine?: Reference;
  storageProfile?: {
    osDisk?: { osType?: string; osState?: string; snapshot?: Reference; managedDisk?: Reference; diskSizeGB?: number };
  };
  hyperVGeneration?: string;
}

export type ManagedImage = Resource<ManagedImageProperties>;

export interface GalleryImageProperties {
  osType?: string;
  osState?: string;
  identifier?: { publisher?: string; offer?: string; sku?: string };
}

export type GalleryImage = Resource<GalleryImageProperties>;

export interface GalleryVersionProperties {
  publishingProfile?: {
    targetRegions?: { name?: string; excludeFromLatest?: boolean }[];
    excludeFromLatest?: boolean;
    publishedDate?: string;
    endOfLifeDate?: string;
  };
  storageProfile?: {
    source?: { id?: string; virtualMachineId?: string };
    osDiskImage?: { sizeInGB?: number; source?: { id?: string } };
  };
}

export type GalleryVersion = Resource<GalleryVersionProperties>;

/** By their types; other ones are known by what all have. */
interface Known {
  'Microsoft.Compute/virtualMachines': Vm;
  'Microsoft.Compute/disks': Disk;
  'Microsoft.Compute/snapshots': Disk;
  'Microsoft.Compute/images': ManagedImage;
  'Microsoft.Compute/galleries/images': GalleryImage;
  'Microsoft.Compute/galleries/images/versions': GalleryVersion;
  'Microsoft.Network/networkInterfaces': Nic;
  'Microsoft.Network/publicIPAddresses': PublicIp;
}

export type ResourceOf<Type extends string> = Type extends keyof Known ? Known[Type] : AnyResource;
