/** The bodies that this server takes, after the published descriptions of Microsoft.Compute and Microsoft.Network. */
import { OneOf, type Shape } from './checked-fields.ts';

const REFERENCE = { id: 'string' } as const satisfies Shape;
const DELETE_OPTION = new OneOf('Delete', 'Detach');

const TRACKED = {
  id: 'readOnly',
  name: 'readOnly',
  type: 'readOnly',
  etag: 'readOnly',
  systemData: 'readOnly',
  location: 'string',
  tags: 'texts',
} as const satisfies Shape;

const IMAGE_REFERENCE = {
  id: 'string',
  publisher: 'string',
  offer: 'string',
  sku: 'string',
  version: 'string',
  exactVersion: 'readOnly',
} as const satisfies Shape;

const DISK_SKU = new OneOf(
  'Standard_LRS',
  'Premium_LRS',
  'StandardSSD_LRS',
  'StandardSSD_ZRS',
  'Premium_ZRS',
  'PremiumV2_LRS',
  'UltraSSD_LRS',
);

const VM_PROPERTIES = {
  provisioningState: 'readOnly',
  instanceView: 'readOnly',
  vmId: 'readOnly',
  timeCreated: 'readOnly',
  hardwareProfile: { vmSize: 'string' },
  storageProfile: {
    imageReference: IMAGE_REFERENCE,
    osDisk: {
      osType: new OneOf('Linux', 'Windows'),
      name: 'string',
      caching: new OneOf('None', 'ReadOnly', 'ReadWrite'),
      createOption: new OneOf('FromImage', 'Empty', 'Attach', 'Copy', 'Restore'),
      deleteOption: DELETE_OPTION,
      diskSizeGB: 'integer',
      managedDisk: { id: 'string', storageAccountType: DISK_SKU },
    },
    dataDisks: [{}],
    diskControllerType: new OneOf('SCSI', 'NVMe'),
  },
  osProfile: {
    computerName: 'string',
    adminUsername: 'string',
    adminPassword: 'string',
    customData: 'string',
    allowExtensionOperations: 'boolean',
    requireGuestProvisionSignal: 'readOnly',
    secrets: [{}],
    linuxConfiguration: {
      disablePasswordAuthentication: 'boolean',
      ssh: { publicKeys: [{ path: 'string', keyData: 'string' }] },
      provisionVMAgent: 'boolean',
      enableVMAgentPlatformUpdates: 'boolean',
      patchSettings: {
        patchMode: new OneOf('ImageDefault', 'AutomaticByPlatform'),
        assessmentMode: new OneOf('ImageDefault', 'AutomaticByPlatform'),
      },
    },
  },
  networkProfile: {
    networkInterfaces: [{ id: 'string', properties: { primary: 'boolean', deleteOption: DELETE_OPTION } }],
  },
  securityProfile: {
    securityType: new OneOf('TrustedLaunch', 'Standard'),
    encryptionAtHost: 'boolean',
    uefiSettings: { secureBootEnabled: 'boolean', vTpmEnabled: 'boolean' },
  },
  diagnosticsProfile: { bootDiagnostics: { enabled: 'boolean', storageUri: 'string' } },
  additionalCapabilities: { hibernationEnabled: 'boolean', ultraSSDEnabled: 'boolean' },
  priority: new OneOf('Regular', 'Low', 'Spot'),
  evictionPolicy: new OneOf('Deallocate', 'Delete'),
  billingProfile: { maxPrice: 'number' },
  userData: 'string',
} as const satisfies Shape;

const IDENTITY = {
  type: new OneOf('SystemAssigned', 'UserAssigned', 'SystemAssigned, UserAssigned', 'None'),
  userAssignedIdentities: 'objects',
  principalId: 'readOnly',
  tenantId: 'readOnly',
} as const satisfies Shape;

const PLAN = { name: 'string', publisher: 'string', product: 'string', promotionCode: 'string' } as const;

export const VM: Shape = {
  ...TRACKED,
  resources: 'readOnly',
  zones: 'strings',
  plan: PLAN,
  identity: IDENTITY,
  properties: VM_PROPERTIES,
};

/** Of a PATCH. */
export const VM_UPDATE: Shape = {
  tags: 'texts',
  zones: 'strings',
  plan: PLAN,
  identity: IDENTITY,
  properties: VM_PROPERTIES,
};

export const NIC: Shape = {
  ...TRACKED,
  properties: {
    provisioningState: 'readOnly',
    resourceGuid: 'readOnly',
    macAddress: 'readOnly',
    virtualMachine: 'readOnly',
    primary: 'readOnly',
    enableAcceleratedNetworking: 'boolean',
    enableIPForwarding: 'boolean',
    networkSecurityGroup: REFERENCE,
    dnsSettings: { dnsServers: 'strings', internalDnsNameLabel: 'string' },
    ipConfigurations: [
      {
        id: 'readOnly',
        etag: 'readOnly',
        type: 'readOnly',
        name: 'string',
        properties: {
          provisioningState: 'readOnly',
          subnet: REFERENCE,
          primary: 'boolean',
          privateIPAddress: 'string',
          privateIPAddressVersion: new OneOf('IPv4', 'IPv6'),
          privateIPAllocationMethod: new OneOf('Static', 'Dynamic'),
          publicIPAddress: { id: 'string', properties: { deleteOption: DELETE_OPTION } },
        },
      },
    ],
  },
};

export const APPLICATION_GROUP: Shape = {
  ...TRACKED,
  properties: { provisioningState: 'readOnly', resourceGuid: 'readOnly' },
};

export const PUBLIC_IP: Shape = {
  ...TRACKED,
  zones: 'strings',
  sku: { name: new OneOf('Basic', 'Standard', 'StandardV2'), tier: new OneOf('Regional', 'Global') },
  properties: {
    provisioningState: 'readOnly',
    resourceGuid: 'readOnly',
    ipConfiguration: 'readOnly',
    publicIPAllocationMethod: new OneOf('Static', 'Dynamic'),
    publicIPAddressVersion: new OneOf('IPv4', 'IPv6'),
    ipAddress: 'readOnly',
    idleTimeoutInMinutes: 'integer',
    deleteOption: DELETE_OPTION,
    dnsSettings: { domainNameLabel: 'string' },
  },
};

/** Of a PATCH that changes tags and nothing else. */
export const TAGS: Shape = { tags: 'texts' };

const CREATION_DATA = {
  createOption: new OneOf('Empty', 'Copy', 'FromImage', 'Attach', 'Restore', 'Upload', 'CopyStart'),
  sourceResourceId: 'string',
  imageReference: REFERENCE,
  galleryImageReference: REFERENCE,
  sourceUniqueId: 'readOnly',
} as const satisfies Shape;

const DISK_PROPERTIES = {
  provisioningState: 'readOnly',
  timeCreated: 'readOnly',
  uniqueId: 'readOnly',
  diskSizeBytes: 'readOnly',
  diskState: 'readOnly',
  osType: new OneOf('Linux', 'Windows'),
  hyperVGeneration: new OneOf('V1', 'V2'),
  creationData: CREATION_DATA,
  diskSizeGB: 'integer',
  networkAccessPolicy: new OneOf('AllowAll', 'AllowPrivate', 'DenyAll'),
  publicNetworkAccess: new OneOf('Enabled', 'Disabled'),
  supportsHibernation: 'boolean',
} as const satisfies Shape;

export const DISK: Shape = {
  ...TRACKED,
  managedBy: 'readOnly',
  zones: 'strings',
  sku: { name: DISK_SKU, tier: 'readOnly' },
  properties: { ...DISK_PROPERTIES, tier: 'string', maxShares: 'integer' },
};

export const SNAPSHOT: Shape = {
  ...TRACKED,
  managedBy: 'readOnly',
  sku: { name: new OneOf('Standard_LRS', 'Premium_LRS', 'Standard_ZRS'), tier: 'readOnly' },
  properties: { ...DISK_PROPERTIES, incremental: 'boolean', completionPercent: 'readOnly' },
};

export const MANAGED_IMAGE: Shape = {
  ...TRACKED,
  properties: {
    provisioningState: 'readOnly',
    sourceVirtualMachine: REFERENCE,
    hyperVGeneration: new OneOf('V1', 'V2'),
    storageProfile: {
      zoneResilient: 'boolean',
      osDisk: {
        osType: new OneOf('Linux', 'Windows'),
        osState: new OneOf('Generalized', 'Specialized'),
        snapshot: REFERENCE,
        managedDisk: REFERENCE,
        diskSizeGB: 'integer',
        storageAccountType: DISK_SKU,
        caching: new OneOf('None', 'ReadOnly', 'ReadWrite'),
      },
    },
  },
};

export const GALLERY: Shape = {
  ...TRACKED,
  properties: { provisioningState: 'readOnly', description: 'string', identifier: 'readOnly' },
};

export const GALLERY_IMAGE: Shape = {
  ...TRACKED,
  properties: {
    provisioningState: 'readOnly',
    description: 'string',
    osType: new OneOf('Linux', 'Windows'),
    osState: new OneOf('Generalized', 'Specialized'),
    hyperVGeneration: new OneOf('V1', 'V2'),
    architecture: new OneOf('x64', 'Arm64'),
    identifier: { publisher: 'string', offer: 'string', sku: 'string' },
    features: [{ name: 'string', value: 'string' }],
  },
};

const REPLICA_SKU = new OneOf('Standard_LRS', 'Standard_ZRS', 'Premium_LRS');

const GALLERY_VERSION_PROPERTIES = {
  provisioningState: 'readOnly',
  replicationStatus: 'readOnly',
  publishingProfile: {
    targetRegions: [
      {
        name: 'string',
        regionalReplicaCount: 'integer',
        storageAccountType: REPLICA_SKU,
        excludeFromLatest: 'boolean',
      },
    ],
    replicaCount: 'integer',
    excludeFromLatest: 'boolean',
    publishedDate: 'readOnly',
    endOfLifeDate: 'string',
    storageAccountType: REPLICA_SKU,
    replicationMode: new OneOf('Full', 'Shallow'),
  },
  storageProfile: {
    source: { id: 'string', virtualMachineId: 'string' },
    osDiskImage: {
      sizeInGB: 'readOnly',
      hostCaching: new OneOf('None', 'ReadOnly', 'ReadWrite'),
      source: { id: 'string' },
    },
  },
  safetyProfile: { allowDeletionOfReplicatedLocations: 'boolean', blockDeletionBeforeEndOfLife: 'boolean' },
} as const satisfies Shape;

export const GALLERY_VERSION: Shape = { ...TRACKED, properties: GALLERY_VERSION_PROPERTIES };
export const GALLERY_VERSION_UPDATE: Shape = { tags: 'texts', properties: GALLERY_VERSION_PROPERTIES };

export const SSH_KEY: Shape = { ...TRACKED, properties: { publicKey: 'string' } };
export const SSH_KEY_UPDATE: Shape = { tags: 'texts', properties: { publicKey: 'string' } };
