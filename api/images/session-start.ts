/** What a create or a reopen of a name starts from, where the name was closed. */
import type { FamilyImage } from '../../domain/image/state.ts';
import type { SecretInput } from '../../domain/machine/sealed-input.ts';
import { sessionOf, type StartFrom, type VmSpec } from '../../domain/vm/spec.ts';
import { vmWorkflowId } from '../../domain/wire-names.ts';
import { descriptorOf } from '../../providers/lookup.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';

type Known = Pick<ApiContext, 'images' | 'hosts' | 'sealedInputs' | 'startSignatures'>;

/** A spec that begins with an image, for which everything has been checked. */
export interface SessionStart {
  spec: VmSpec;
  secretInput: SecretInput | null;
  /** Of the request that made the VM which was closed, where that named a template. */
  requestHash: string | null;
  /** To be called once the VM is started, or is not: until then nothing deletes the image. */
  release: () => void;
}

/**
 * The spec of a create with the disk of the session of its name; undefined where the name was never closed.
 * @throws ApiProblem `sessionMismatch` where the image cannot be the disk of what is asked for, `imageHostLost`.
 */
export async function withSessionDisk(
  api: Known,
  { project, name, spec }: { project: string; name: string; spec: VmSpec },
): Promise<Pick<SessionStart, 'spec' | 'release'> | undefined> {
  // Without an image of such a provider there is nothing to look for.
  if (!descriptorOf(spec.provider).capabilities.close) return undefined;
  const found = await api.images.find(project, name);
  if (found?.session?.name !== name) return undefined;
  const taken = await api.images.take(project, name, name);
  if (taken === undefined) return undefined;
  const { image, release } = taken;
  return orReleased(release, async () => {
    if (image.provider !== spec.provider) {
      const text = `${name} was closed on ${image.provider}, and ${spec.provider} is asked for`;
      throw new ApiProblem('sessionMismatch', text);
    }
    return { spec: { ...spec, startFrom: await startFrom(api, image) }, release };
  });
}

/**
 * All that a reopen of a name starts. @throws ApiProblem `neverClosed`; `sessionUnreadable` for what this deployment's API
 * did not sign; `imageHostLost`, `temporalUnavailable`.
 */
export async function sessionStart(api: Known, project: string, name: string): Promise<SessionStart> {
  const family = await api.images.find(project, name);
  if (family?.session?.name !== name) throw neverClosed(name);
  const taken = await api.images.take(project, name, name);
  if (taken === undefined) throw neverClosed(name);
  const { image, release } = taken;
  return orReleased(release, async () => {
    const { spec, requestHash } = image;
    const secretInput = openedInput(api, project, name, image);
    return { spec: { ...spec, startFrom: await startFrom(api, image) }, secretInput, requestHash, release };
  });
}

/** What is refused holds no image. */
async function orReleased<Result>(release: () => void, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    release();
    throw error;
  }
}

/** What a workflow keeps is a claim: only what the API signed for this very name is started again. */
function openedInput(
  { startSignatures, sealedInputs }: Known,
  project: string,
  name: string,
  { spec, sealed, signature }: FamilyImage,
): SecretInput | null {
  const claim = { workflowId: vmWorkflowId(project, name), spec };
  if (!startSignatures.verifyWith(claim, sealed, signature)) throw unreadable(name);
  if (sealed === null) return null;
  const opened = sealedInputs.open(claim, sealed);
  if (opened === undefined) throw unreadable(name);
  return opened;
}

/** @throws ApiProblem `imageHostLost` where the one host that has it is lost, or left the registry. */
async function startFrom(
  { hosts }: Known,
  image: Pick<FamilyImage, 'imageId' | 'host' | 'machineId' | 'spec'>,
): Promise<StartFrom> {
  const { imageId, host } = image;
  const start: StartFrom = { imageId, host, session: sessionOf(image) };
  if (host === null) return start;
  const known = await hosts.find(host);
  if (known === undefined || known.host.state === 'lost') {
    throw new ApiProblem('imageHostLost', `The image is on host ${host}, which is ${known?.host.state ?? 'gone'}`);
  }
  return start;
}

function neverClosed(name: string): ApiProblem {
  return new ApiProblem(
    'neverClosed',
    `${name} was never closed in the project of this key, or its images are deleted`,
  );
}

function unreadable(name: string): ApiProblem {
  const why = `What is kept of ${name} carries no signature of this deployment's API for it`;
  return new ApiProblem('sessionUnreadable', why);
}
