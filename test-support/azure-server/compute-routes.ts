/** Virtual machines, what a location has for them, and SSH keys. */
import { ArmError, invalidParameter } from './arm-error.ts';
import { checkTags, decoded } from './names.ts';
import type { AnyResource, Resource, Vm } from './resources.ts';
import {
  ok,
  page,
  param,
  pathOf,
  plainRoutes,
  VERSIONS,
  withProperties,
  type Route,
  type RouteCall,
} from './routes.ts';
import { SSH_KEY, SSH_KEY_UPDATE, VM as VM_SHAPE, VM_UPDATE } from './shapes.ts';
import type { Answer } from './store.ts';
import { VM, type Preconditions } from './vm-model.ts';
import { isPublicKey } from './vm-rules.ts';
import { instanceView, shownVm } from './vm-view.ts';

const SSH = 'Microsoft.Compute/sshPublicKeys';
const PATH = pathOf(VM, ['vm']);
const versions = VERSIONS.compute;

function vmOf(call: RouteCall): Vm {
  return call.model.store.get(VM, param(call, 'vm'));
}

function conditions({ headers }: RouteCall): Preconditions {
  const one = (name: string): string | undefined => headers[name]?.toString();
  return { ifMatch: one('if-match'), ifNoneMatch: one('if-none-match') };
}

function shown(answer: Answer): Answer {
  return answer.body === undefined ? answer : { ...answer, body: shownVm(answer.body as Vm) };
}

function action(
  verb: string,
  run: (call: RouteCall) => Answer,
  query: readonly string[] = [],
  counted = 'UpdateVM',
): Route {
  const permission = `${VM}/${verb}/action`;
  return {
    method: `virtualMachines.${verb}`,
    verb: 'POST',
    path: `${PATH}/${verb}`,
    versions,
    query,
    action: permission,
    counted,
    run,
  };
}

function flag({ query }: RouteCall, name: string): boolean {
  const text = query.get(name) ?? 'false';
  if (text !== 'true' && text !== 'false') throw invalidParameter(name, `${name} must be true or false.`);
  return text === 'true';
}

function listed(call: RouteCall, path: string): Answer {
  if (call.query.has('$expand') || call.query.has('$filter')) {
    const message = "$expand needs a $filter on 'virtualMachineScaleSet/id', and this server has no scale sets.";
    throw invalidParameter('$expand', message);
  }
  const all = call.model.store.all(VM);
  const vms = flag(call, 'statusOnly') ? all.map((vm) => statusOf(vm, call)) : all.map((vm) => shownVm(vm));
  return page(call, vms, `/subscriptions/${call.model.options.subscription}/${path}`);
}

/** With `statusOnly` a list says what VMs do, and little of what they are. */
function statusOf(vm: Vm, { model }: RouteCall): object {
  const { id, name, type, location, properties } = vm;
  const { vmId, provisioningState } = properties;
  return {
    id,
    name,
    type,
    location,
    properties: { vmId, provisioningState, instanceView: instanceView(vm, model.vms.view(vm)) },
  };
}

const vmRoutes: Route[] = [
  {
    method: 'virtualMachines.createOrUpdate',
    verb: 'PUT',
    path: PATH,
    versions,
    body: VM_SHAPE,
    action: `${VM}/write`,
    counted: 'PutVM',
    run: (call) => shown(call.model.vms.put(param(call, 'vm'), withProperties(call.body) as Vm, conditions(call))),
  },
  {
    method: 'virtualMachines.update',
    verb: 'PATCH',
    path: PATH,
    versions,
    body: VM_UPDATE,
    action: `${VM}/write`,
    counted: 'UpdateVM',
    run: (call) => shown(call.model.vms.patch(param(call, 'vm'), call.body as Partial<Vm>, conditions(call))),
  },
  {
    method: 'virtualMachines.delete',
    verb: 'DELETE',
    path: PATH,
    versions,
    query: ['forceDeletion'],
    action: `${VM}/delete`,
    counted: 'DeleteVM',
    run: (call) => {
      flag(call, 'forceDeletion');
      return call.model.vms.delete(param(call, 'vm'));
    },
  },
  {
    method: 'virtualMachines.get',
    verb: 'GET',
    path: PATH,
    versions,
    query: ['$expand'],
    action: `${VM}/read`,
    counted: 'GetVM',
    run: (call) => {
      const wanted = (call.query.get('$expand') ?? '')
        .toLowerCase()
        .split(',')
        .filter((one) => one !== '');
      if (wanted.some((one) => one !== 'instanceview' && one !== 'userdata')) {
        throw invalidParameter('$expand', `The expand expression '${wanted.join()}' is not valid.`);
      }
      const vm = vmOf(call);
      const view = wanted.includes('instanceview') ? { instanceView: call.model.vms.view(vm) } : {};
      return ok(shownVm(vm, { ...view, userData: wanted.includes('userdata') }));
    },
  },
  {
    method: 'virtualMachines.instanceView',
    verb: 'GET',
    path: `${PATH}/instanceView`,
    versions,
    action: `${VM}/instanceView/read`,
    counted: 'GetVM',
    run: (call) => ok(instanceView(vmOf(call), call.model.vms.view(vmOf(call)))),
  },
  {
    method: 'virtualMachines.list',
    verb: 'GET',
    path: pathOf(VM, []),
    versions,
    query: ['$filter', '$expand', '$skiptoken'],
    action: `${VM}/read`,
    counted: 'HighCostGet',
    run: (call) => listed(call, `resourceGroups/${param(call, 'group')}/providers/${VM}`),
  },
  {
    method: 'virtualMachines.listAll',
    verb: 'GET',
    path: `providers/${VM}`,
    versions,
    query: ['$filter', '$expand', 'statusOnly', '$skiptoken'],
    action: `${VM}/read`,
    counted: 'HighCostGet',
    run: (call) => listed(call, `providers/${VM}`),
  },
  action('start', (call) => call.model.vms.changePower(param(call, 'vm'), 'start')),
  action('deallocate', (call) => call.model.vms.changePower(param(call, 'vm'), 'deallocate', flag(call, 'hibernate')), [
    'hibernate',
    'forceDeallocate',
  ]),
  action('powerOff', (call) => call.model.vms.changePower(param(call, 'vm'), 'powerOff'), ['skipShutdown']),
  action('generalize', (call) => call.model.vms.generalize(param(call, 'vm'))),
  action('simulateEviction', (call) => {
    call.model.evict(param(call, 'vm'));
    return { status: 204 };
  }),
  action(
    'retrieveBootDiagnosticsData',
    (call) => {
      const vm = vmOf(call);
      if (vm.properties.diagnosticsProfile?.bootDiagnostics?.enabled !== true) {
        throw new ArmError(409, 'OperationNotAllowed', 'Boot diagnostics is not enabled on the VM.');
      }
      const uri = `${call.base}/consoles/${vm.properties.vmId}?sig=played`;
      return ok({ consoleScreenshotBlobUri: uri, serialConsoleLogBlobUri: uri });
    },
    ['sasUriExpirationTimeInMinutes'],
    'GetVM',
  ),
];

const IN_LOCATION = 'providers/Microsoft.Compute/locations/{location}';
const OFFER = `${IN_LOCATION}/publishers/{publisher}/artifacttypes/vmimage/offers/{offer}/skus/{sku}/versions`;

function locationOf(call: RouteCall): string {
  const location = param(call, 'location').toLowerCase();
  if (call.model.options.locations.includes(location)) return location;
  throw new ArmError(
    404,
    'NoRegisteredProviderFound',
    `No registered resource provider found for location '${location}'.`,
  );
}

function platformImage(call: RouteCall) {
  locationOf(call);
  const [publisher, offer, sku] = [param(call, 'publisher'), param(call, 'offer'), param(call, 'sku')];
  const found = call.model.images.platformImage(publisher, offer, sku);
  if (found !== undefined) return found;
  throw new ArmError(404, 'NotFound', `Artifact: VMImage was not found: ${publisher}:${offer}:${sku}.`);
}

const locationRoutes: Route[] = [
  {
    method: 'usage.list',
    verb: 'GET',
    path: `${IN_LOCATION}/usages`,
    versions,
    action: 'Microsoft.Compute/locations/usages/read',
    run: (call) => ok({ value: call.model.vms.rooms.usages(locationOf(call)) }),
  },
  {
    method: 'resourceSkus.list',
    verb: 'GET',
    path: 'providers/Microsoft.Compute/skus',
    versions: VERSIONS.skus,
    query: ['$filter', 'includeExtendedLocations'],
    action: 'Microsoft.Compute/skus/read',
    run: ({ model, query }) => {
      const filter = query.get('$filter');
      const [, location] = /^location eq '([^']+)'$/i.exec(filter ?? '') ?? [];
      if (filter !== null && location === undefined) {
        throw invalidParameter('$filter', 'Only the filter "location eq \'…\'" is supported.');
      }
      const places = location === undefined ? model.options.locations : [location.toLowerCase()];
      return ok({ value: places.flatMap((place) => model.vms.rooms.skus(place)) });
    },
  },
  {
    method: 'virtualMachineImages.list',
    verb: 'GET',
    path: OFFER,
    versions,
    query: ['$expand', '$top', '$orderby'],
    action: 'Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read',
    run: (call) =>
      ok(platformImage(call).versions.map((name) => ({ id: name, name, location: param(call, 'location') }))),
  },
  {
    method: 'virtualMachineImages.get',
    verb: 'GET',
    path: `${OFFER}/{version}`,
    versions,
    action: 'Microsoft.Compute/locations/publishers/artifacttypes/offers/skus/versions/read',
    run: (call) => {
      const found = platformImage(call);
      const version = param(call, 'version');
      const name = version === 'latest' ? found.versions.at(-1) : version;
      if (name === undefined || !found.versions.includes(name)) {
        throw new ArmError(404, 'NotFound', `Artifact: VMImage was not found: version ${version}.`);
      }
      const osDiskImage = { operatingSystem: 'Linux', sizeInGb: found.sizeGb };
      return ok({
        id: name,
        name,
        location: param(call, 'location'),
        properties: { osDiskImage, hyperVGeneration: 'V2' },
      });
    },
  },
];

interface SshKey {
  publicKey?: string;
}

function checkKey({ publicKey }: SshKey): void {
  if (publicKey === undefined || isPublicKey(publicKey)) return;
  throw invalidParameter('publicKey', 'The value of parameter publicKey is invalid.');
}

const sshRoutes = plainRoutes({
  client: 'sshPublicKeys',
  type: SSH,
  versions,
  names: ['key'],
  lists: { inGroup: 'listByResourceGroup', all: 'listBySubscription' },
  put: {
    method: 'create',
    shape: SSH_KEY,
    run: ([name = ''], given, { model: { store } }) => {
      const body = given as Resource<SshKey>;
      const existing = store.find(SSH, name);
      const location = store.checkTracked(SSH, name, body, existing);
      checkKey(body.properties);
      const key = store.add({ ...body, id: store.id(SSH, name), name, type: SSH, location });
      return { status: existing === undefined ? 201 : 200, body: key };
    },
  },
  patch: {
    method: 'update',
    shape: SSH_KEY_UPDATE,
    run: (resource, given) => {
      const { tags, properties } = given as Partial<Resource<SshKey>>;
      checkTags(tags);
      checkKey(properties ?? {});
      if (tags !== undefined) resource.tags = tags;
      Object.assign(resource.properties, properties);
      return ok(resource);
    },
  },
  remove: (resource: AnyResource, { store }) => {
    store.remove(resource);
    return { status: 200 };
  },
});

export const COMPUTE_ROUTES: readonly Route[] = [...vmRoutes, ...locationRoutes, ...sshRoutes];

/** What the serial console of a VM shows, at the address that `retrieveBootDiagnosticsData` gives. */
export function consoleOf({ model }: Pick<RouteCall, 'model'>, vmId: string): string | undefined {
  const vm = model.store.all(VM).find((one) => one.properties.vmId === vmId);
  return vm && `${vm.name}: booting\n${decoded(vm.properties.osProfile?.customData, 'customData').slice(0, 40)}\n`;
}
