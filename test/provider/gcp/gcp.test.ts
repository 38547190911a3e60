import { beforeAll, expect } from 'vitest';
import { LABEL } from '../../../providers/cloud/resource-names.ts';
import { METADATA } from '../../../providers/gcp/machine/machine-facts.ts';
import { gcpHarness, placesOf, warmClient, type GcpHarness } from '../../../test-support/gce-server/harness.ts';
import { describeMachinesOfBefore } from '../../../test-support/machines/machines-of-before.ts';
import { describeProvider } from '../../../test-support/machines/provider-contract.ts';

beforeAll(warmClient);

describeProvider('gcp', () => gcpHarness());
describeMachinesOfBefore('gcp', () => gcpHarness(), forgetOwner);

function forgetOwner({ server }: GcpHarness, machineId: string): Promise<void> {
  const [[zone, name] = []] = placesOf(server, machineId);
  const { labels, metadata } = server.model.instance(zone!, name!);
  expect(labels).toMatchObject({ [LABEL.owner]: 'vm_default_lobby', [LABEL.project]: 'default', [LABEL.vm]: 'lobby' });
  delete labels?.[LABEL.owner];
  const item = metadata?.items?.find(({ key }) => key === METADATA.machine);
  const record = JSON.parse(item!.value) as { labels: Record<string, string> };
  expect(record.labels).toMatchObject({ owner: 'vm/default/lobby', project: 'default', vm: 'lobby' });
  delete record.labels['owner'];
  item!.value = JSON.stringify(record);
  return Promise.resolve();
}
