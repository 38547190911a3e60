import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { RecordChange } from '../../cloud/cloud.ts';
import { isProofTag, proofTags } from '../agent-proof.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';
import { generationOf, isLabelTag, isRecordTag, labelTags, recordOf, recordTags } from './droplet-tags.ts';
import type { Droplets, DropletServer } from './droplets.ts';
import type { TagCleaning } from './tag-cleaning.ts';
import { deleteTag, tag, untag, type Tagged } from './tag-calls.ts';

interface ChangeParts {
  calls: DigitalOceanCalls;
  droplets: Droplets;
  cleaning: TagCleaning;
}

/**
 * Writes another record. What the agent proves itself with comes first and the record last, so one that is there has its proof. Until
 * it is whole the old record counts. Of two that are written at a time every reader takes the same; the other is taken back.
 */
export async function changeRecord(
  server: DropletServer,
  { record, secret, spec }: RecordChange,
  { calls, droplets, cleaning }: ChangeParts,
  settings: CallSettings,
): Promise<void> {
  const droplet: Tagged = { id: server.dropletId, type: 'droplet' };
  const put = async (tags: readonly string[]): Promise<void> => {
    for (const name of tags) await tag(calls, droplet, name, settings);
  };
  const proof = secret === undefined ? [] : proofTags(secret, Date.now());
  await put(proof);
  const wanted = JSON.stringify(recordOf(recordTags(record, 0)));
  const isNew = JSON.stringify(recordOf(server.tags)) !== wanted;
  const written = isNew ? recordTags(record, generationOf(server.tags) + 1) : [];
  await put(written);
  if (isNew) {
    const now = await droplets.get(server.dropletId, settings);
    if (now !== undefined && JSON.stringify(recordOf(now.tags)) !== wanted) {
      for (const name of [...written, ...proof]) await deleteTag(calls, name, settings);
      throw new CloudFailure('fingerprint', 'changedMeanwhile', `${record.labels.machineId} was changed meanwhile`);
    }
  }
  if (spec !== undefined) await changeLabels(server, labelTags(spec), calls, settings);
  const isOld = (name: string): boolean =>
    (proof.length > 0 && isProofTag(name)) || (written.length > 0 && isRecordTag(name));
  cleaning.clear(server.tags.filter(isOld));
}

async function changeLabels(
  server: DropletServer,
  wanted: readonly string[],
  calls: DigitalOceanCalls,
  settings: CallSettings,
): Promise<void> {
  const droplet: Tagged = { id: server.dropletId, type: 'droplet' };
  for (const name of wanted) {
    if (!server.tags.includes(name)) await tag(calls, droplet, name, { ...settings, shared: true });
  }
  for (const name of server.tags) {
    if (isLabelTag(name) && !wanted.includes(name)) await untag(calls, droplet, name, settings);
  }
}
