/** What a VM may be made with and changed to. */
import { ArmError, invalidParameter, notAllowed } from './arm-error.ts';
import type { StartImage } from './image-model.ts';
import { decoded } from './names.ts';
import type { OsProfile, Vm, VmProperties } from './resources.ts';
import { SIZES, type VmSize } from './sizes.ts';

/** @throws ArmError 400 */
export function sizeOf({ hardwareProfile }: VmProperties): VmSize {
  const name = hardwareProfile?.vmSize ?? '';
  const size = SIZES.get(name.toLowerCase());
  if (size !== undefined) return size;
  const message = `The value ${name} provided for the VM size is not valid. The valid sizes in the current region are: ${[...SIZES.values()].map((one) => one.name).join(',')}`;
  throw invalidParameter('vmSize', message);
}

/** What can be said of a body alone. @throws ArmError */
export function checkVm({ properties }: Vm): void {
  const { osProfile, userData, priority, evictionPolicy, billingProfile, networkProfile, storageProfile } = properties;
  if (properties.securityProfile?.securityType === 'Standard') {
    // Taken only in a subscription that has registered the feature UseStandardSecurityType; left out it means the same.
    const what = 'securityProfile.securityType';
    throw invalidParameter(what, `The value of parameter ${what} is invalid.`);
  }
  sizeOf(properties);
  decoded(osProfile?.customData, 'osProfile.customData');
  decoded(userData, 'userData');
  if (priority !== 'Spot' && (evictionPolicy !== undefined || billingProfile !== undefined)) {
    const what = evictionPolicy === undefined ? 'billingProfile' : 'evictionPolicy';
    throw notAllowed(`${what} can be set only on Azure Spot Virtual Machines.`, what);
  }
  const maxPrice = billingProfile?.maxPrice;
  if (maxPrice !== undefined && maxPrice !== -1 && maxPrice <= 0) {
    throw invalidParameter('billingProfile.maxPrice', 'The max price must be -1 or greater than zero.');
  }
  const interfaces = networkProfile?.networkInterfaces ?? [];
  if (interfaces.length === 0) throw missing('networkProfile');
  if (interfaces.length > 1)
    throw invalidParameter('networkInterfaces', 'This server gives a VM one network interface.');
  if (storageProfile?.osDisk === undefined) throw missing('storageProfile');
}

/** Who a system begins as: needed with a generalized image, refused with every other. @throws ArmError */
export function checkOsProfile(osProfile: OsProfile | undefined, image: StartImage | undefined): void {
  if (image?.specialized !== false) {
    if (osProfile === undefined) return;
    throw invalidParameter('osProfile', "Parameter 'osProfile' is not allowed.");
  }
  if (osProfile === undefined) throw missing('osProfile');
  const { computerName, adminUsername, adminPassword, linuxConfiguration } = osProfile;
  if (computerName === undefined) throw missing('osProfile.computerName');
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$/.test(computerName) || /^\d+$/.test(computerName)) {
    const message = `Linux host name cannot exceed 64 characters in length or contain the following characters: \` ~ ! @ # $ % ^ & * ( ) = + _ [ ] { } \\\\ | ; : ' " , < > / ?. It must not be entirely numeric.`;
    throw invalidParameter('computerName', message);
  }
  if (adminUsername === undefined) throw missing('osProfile.adminUsername');
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(adminUsername) || RESERVED.has(adminUsername)) {
    throw invalidParameter('adminUsername', 'The Admin Username specified is not allowed.');
  }
  const { disablePasswordAuthentication = false, ssh } = linuxConfiguration ?? {};
  for (const { path, keyData = '' } of ssh?.publicKeys ?? []) {
    if (path !== `/home/${adminUsername}/.ssh/authorized_keys`) {
      const message = `Destination path for SSH public keys is currently limited to its default value /home/${adminUsername}/.ssh/authorized_keys due to a known issue in Linux provisioning agent.`;
      throw invalidParameter('linuxConfiguration.ssh.publicKeys.path', message);
    }
    if (!isPublicKey(keyData)) {
      throw invalidParameter('linuxConfiguration.ssh.publicKeys.keyData', 'The value of parameter keyData is invalid.');
    }
  }
  if (disablePasswordAuthentication) {
    if ((ssh?.publicKeys ?? []).length === 0) {
      const message = 'Authentication using either SSH or by user name and password must be enabled in Linux profile.';
      throw invalidParameter('linuxConfiguration', message);
    }
    if (adminPassword !== undefined) {
      const message = 'Admin password must not be given where password authentication is disabled.';
      throw invalidParameter('adminPassword', message);
    }
  } else checkPassword(adminPassword);
}

/** What of a VM can be changed after it was made. @throws ArmError 409 */
export function checkChange(before: Vm, wanted: Partial<Vm>, isDeallocated: boolean): void {
  const [old, given] = [before.properties, wanted.properties ?? {}];
  const fixed: [string, unknown, unknown][] = [
    ['osProfile.computerName', old.osProfile?.computerName, given.osProfile?.computerName],
    ['osProfile.adminUsername', old.osProfile?.adminUsername, given.osProfile?.adminUsername],
    ['osProfile.customData', old.osProfile?.customData, given.osProfile?.customData],
    ['imageReference', old.storageProfile?.imageReference?.id, given.storageProfile?.imageReference?.id],
    ['imageReference.sku', old.storageProfile?.imageReference?.sku, given.storageProfile?.imageReference?.sku],
    ['osDisk.name', old.storageProfile?.osDisk?.name, given.storageProfile?.osDisk?.name],
    ['priority', old.priority, given.priority],
    ['zones', before.zones?.join(), wanted.zones?.join()],
  ];
  for (const [what, was, is] of fixed) {
    if (is === undefined || is === was) continue;
    throw new ArmError(409, 'PropertyChangeNotAllowed', `Changing property '${what}' is not allowed.`, {
      target: what,
    });
  }
  const size = given.hardwareProfile?.vmSize;
  if (size === undefined || size === old.hardwareProfile?.vmSize || isDeallocated) return;
  throw notAllowed(`The VM must be deallocated before it is given the size ${size}.`, 'vmSize');
}

const RESERVED = new Set(['root', 'admin', 'administrator', 'user', 'guest', 'test', 'console', 'sys', 'backup']);

function checkPassword(password: string | undefined): void {
  if (password === undefined) throw missing('osProfile.adminPassword');
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^A-Za-z0-9]/].filter((kind) => kind.test(password)).length;
  if (password.length >= 12 && password.length <= 72 && kinds >= 3) return;
  const message =
    'The supplied password must be between 12-72 characters long and must satisfy at least 3 of password complexity requirements.';
  throw invalidParameter('adminPassword', message);
}

/** The key of a type says its type again in its first bytes. */
export function isPublicKey(text: string): boolean {
  const [type = '', data = ''] = text.trim().split(/\s+/);
  if (type !== 'ssh-rsa' && type !== 'ssh-ed25519') return false;
  const bytes = Buffer.from(data, 'base64');
  return (
    bytes.length > 4 + type.length &&
    bytes.readUInt32BE(0) === type.length &&
    bytes.toString('latin1', 4, 4 + type.length) === type
  );
}

function missing(what: string): ArmError {
  return invalidParameter(what, `Required parameter '${what}' is missing (null).`);
}
