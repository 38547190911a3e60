/**
 * What a worker asks of Azure, and the actions that takes. The doctor looks for each of them; the roles of deploy/azure grant
 * each group where it says.
 */

/** On the resource group of the deployment: what makes, changes and takes away machines and images. */
export const GROUP_ACTIONS = [
  'Microsoft.Compute/disks/delete',
  'Microsoft.Compute/disks/read',
  'Microsoft.Compute/disks/write',
  'Microsoft.Compute/images/delete',
  'Microsoft.Compute/images/read',
  'Microsoft.Compute/images/write',
  'Microsoft.Compute/virtualMachines/deallocate/action',
  'Microsoft.Compute/virtualMachines/delete',
  'Microsoft.Compute/virtualMachines/instanceView/read',
  'Microsoft.Compute/virtualMachines/read',
  'Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action',
  'Microsoft.Compute/virtualMachines/start/action',
  'Microsoft.Compute/virtualMachines/write',
  'Microsoft.Network/applicationSecurityGroups/delete',
  'Microsoft.Network/applicationSecurityGroups/read',
  'Microsoft.Network/applicationSecurityGroups/write',
  'Microsoft.Network/networkInterfaces/delete',
  'Microsoft.Network/networkInterfaces/join/action',
  'Microsoft.Network/networkInterfaces/read',
  'Microsoft.Network/networkInterfaces/write',
  'Microsoft.Resources/subscriptions/resourceGroups/read',
] as const;

/** There too, of machines with an address on the internet. */
export const EXTERNAL_IP_ACTIONS = [
  'Microsoft.Network/publicIPAddresses/delete',
  'Microsoft.Network/publicIPAddresses/join/action',
  'Microsoft.Network/publicIPAddresses/read',
  'Microsoft.Network/publicIPAddresses/write',
] as const;

/** On each subnet, and on each network security group that the settings name. */
export const NETWORK_ACTIONS = [
  'Microsoft.Network/virtualNetworks/subnets/join/action',
  'Microsoft.Network/virtualNetworks/subnets/read',
  'Microsoft.Network/networkSecurityGroups/join/action',
] as const;

/** On the subscription: what machines do, in one call for all of them, and what the doctor reads. */
export const SUBSCRIPTION_ACTIONS = [
  'Microsoft.Compute/locations/usages/read',
  'Microsoft.Compute/skus/read',
  'Microsoft.Compute/virtualMachines/read',
] as const;
