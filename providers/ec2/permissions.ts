/** Every action that the provider uses: an IAM policy of a deployment has exactly these. */

/** Asked for on instances, volumes and images that carry the deployment's tag. */
export const MACHINE_ACTIONS = [
  'CreateImage',
  'CreateTags',
  'DeleteTags',
  'DeregisterImage',
  'GetConsoleOutput',
  'RunInstances',
  'StartInstances',
  'StopInstances',
  'TerminateInstances',
] as const;

/** Asked for on everything: EC2 knows no narrower permission to look. `DeleteSnapshot` goes with the image that it is of. */
export const OTHER_ACTIONS = [
  'DeleteSnapshot',
  'DescribeImages',
  'DescribeInstances',
  'DescribeSecurityGroups',
  'DescribeSubnets',
] as const;
