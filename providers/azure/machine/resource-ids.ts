/** How Azure Resource Manager calls what we make and what the settings name: paths below a subscription and a resource group. */

/** The group that everything of a deployment is in. */
export interface ResourceGroup {
  subscription: string;
  resourceGroup: string;
}

/** What one machine consists of, by name. */
export interface PartNames {
  machine: string;
  networkInterface: string;
  publicIp: string;
  disk: string;
}

/** All named after the server, so that each is found without being listed. */
export function partNamesOf(server: string): PartNames {
  return { machine: server, networkInterface: `${server}-nic`, publicIp: `${server}-ip`, disk: `${server}-os` };
}

/** `type`: `Microsoft.Compute/disks`, or one that is below another with its name in it. */
export function resourceId({ subscription, resourceGroup }: ResourceGroup, type: string, name: string): string {
  return `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${type}/${name}`;
}

/** Azure takes the same id in any case, and does not keep it. */
export function sameId(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
