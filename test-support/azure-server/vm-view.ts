/** A VM as the API shows it: what it is now comes only where that is asked for, and some of what it was made with never. */
import type { OperationError } from './arm-error.ts';
import type { Vm } from './resources.ts';

export type PowerState = 'starting' | 'running' | 'stopping' | 'stopped' | 'deallocating' | 'deallocated';

export interface VmView {
  power: PowerState | undefined;
  /** Of the last operation. */
  failure: OperationError | undefined;
}

/** The model, without secrets; `userData` only where it is asked for. */
export function shownVm(vm: Vm, more: { instanceView?: VmView; userData?: boolean } = {}): object {
  const { userData, osProfile, ...properties } = vm.properties;
  const profile = { ...osProfile };
  delete profile.customData;
  delete profile.adminPassword;
  return {
    ...vm,
    properties: {
      ...properties,
      ...(osProfile === undefined ? {} : { osProfile: profile }),
      ...(more.userData === true && userData !== undefined ? { userData } : {}),
      ...(more.instanceView === undefined ? {} : { instanceView: instanceView(vm, more.instanceView) }),
    },
  };
}

export function instanceView(vm: Vm, { power, failure }: VmView): object {
  const provisioning = vm.properties.provisioningState ?? 'Succeeded';
  const time = new Date().toISOString();
  const failed = provisioning === 'Failed' && failure !== undefined ? `/${failure.code}` : '';
  const status = {
    code: `ProvisioningState/${provisioning.toLowerCase()}${failed}`,
    level: provisioning === 'Failed' ? 'Error' : 'Info',
    displayStatus: provisioning === 'Failed' ? 'Provisioning failed' : provisioning,
    ...(failed === '' ? {} : { message: failure?.message }),
    time,
  };
  return {
    ...(vm.properties.osProfile?.computerName && { computerName: vm.properties.osProfile.computerName }),
    hyperVGeneration: 'V2',
    disks: [{ name: vm.properties.storageProfile?.osDisk?.name, statuses: [status] }],
    statuses: [status, ...(power === undefined ? [] : [powerStatus(power)])],
  };
}

function powerStatus(power: PowerState): object {
  return { code: `PowerState/${power}`, level: 'Info', displayStatus: `VM ${power}` };
}
