/**
 * Every permission that the provider uses, each where it is asked for. The custom roles of deploy/gcp have exactly these,
 * and its conditions and bindings grant each group there alone.
 */

/** Asked for on instances and their disks, which carry the deployment's prefix in their names. */
export const MACHINE_PERMISSIONS = [
  'compute.disks.create',
  'compute.disks.setLabels',
  'compute.disks.use',
  'compute.disks.useReadOnly',
  'compute.instances.create',
  'compute.instances.delete',
  'compute.instances.get',
  'compute.instances.getSerialPortOutput',
  'compute.instances.resume',
  'compute.instances.setLabels',
  'compute.instances.setMetadata',
  'compute.instances.setServiceAccount',
  'compute.instances.setTags',
  'compute.instances.start',
  'compute.instances.stop',
  'compute.instances.suspend',
] as const;

/** Asked for on the project, or on what no name tells the deployment of: lists, operations and images. */
export const PROJECT_PERMISSIONS = [
  'compute.globalOperations.get',
  'compute.globalOperations.list',
  'compute.images.create',
  'compute.images.delete',
  'compute.images.deprecate',
  'compute.images.get',
  'compute.images.getFromFamily',
  'compute.images.list',
  'compute.images.setLabels',
  'compute.images.useReadOnly',
  'compute.instances.list',
  'compute.projects.get',
  'compute.regions.get',
  'compute.zoneOperations.get',
  'compute.zones.get',
] as const;

/** Asked for on the subnetwork that a machine is in. */
export const NETWORK_PERMISSIONS = ['compute.subnetworks.use'] as const;

/** Asked for there too, of machines with an address on the internet. */
export const EXTERNAL_IP_PERMISSIONS = ['compute.subnetworks.useExternalIp'] as const;
