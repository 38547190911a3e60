import type { CallSettings } from '../../cloud/api-calls.ts';
import { CloudFailure } from '../../cloud/cloud-failure.ts';
import type { TagResource, TaggedResources } from '../calls/digitalocean-api.ts';
import type { DigitalOceanCalls } from '../calls/digitalocean-calls.ts';

type ResourceType = TaggedResources['resources'][number]['resourceType'];

export interface Tagged {
  id: number | string;
  type: ResourceType;
}

/** A tag that is there already is fine. */
export async function createTag(calls: DigitalOceanCalls, name: string, settings: CallSettings): Promise<void> {
  try {
    await calls.make(settings, (v2, config) => v2.tags.post({ name }, config));
  } catch (error) {
    const known = error instanceof CloudFailure && (error.kind === 'badRequest' || error.kind === 'exists');
    if (!known || !/exist|taken/i.test(error.message)) throw error;
  }
}

/** Puts a tag on a resource; `shared`: of many resources, so that it is mostly there already. */
export async function tag(
  calls: DigitalOceanCalls,
  { id, type }: Tagged,
  name: string,
  settings: CallSettings & { shared?: boolean },
): Promise<void> {
  const resources = { resources: [{ resourceId: String(id), resourceType: type }] };
  const put = (): Promise<unknown> =>
    calls.make(settings, (v2, config) => v2.tags.byTag_id(name).resources.post(resources, config));
  if (settings.shared === true) {
    try {
      await put();
      return;
    } catch (error) {
      if (!(error instanceof CloudFailure) || error.kind !== 'notFound') throw error;
    }
  }
  await createTag(calls, name, settings);
  await put();
}

/** A tag that is not there is fine. */
export async function untag(
  calls: DigitalOceanCalls,
  { id, type }: Tagged,
  name: string,
  settings: CallSettings,
): Promise<void> {
  const resources = { resources: [{ resourceId: String(id), resourceType: type }] };
  await calls.find(settings, (v2, config) => v2.tags.byTag_id(name).resources.delete(resources, config));
}

/** Takes a tag from whatever carries it, and away. */
export async function deleteTag(calls: DigitalOceanCalls, name: string, settings: CallSettings): Promise<void> {
  await calls.find(settings, (v2, config) => v2.tags.byTag_id(name).delete(config));
}

export function listTags(calls: DigitalOceanCalls, settings: CallSettings): Promise<TagResource[]> {
  return calls.all(settings, 'tags', (v2, config, page) => v2.tags.get({ ...config, queryParameters: page }));
}
