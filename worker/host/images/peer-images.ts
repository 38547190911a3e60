/** The other hosts of the deployment, and the machine images that this one fetches from them. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { hostOfMemo, registeredHosts, type RegisteredHost } from '../../../config/registered-hosts.ts';
import { runningLease } from '../../../config/temporal/temporal-lease.ts';
import { imageCopiesIn, type ImageCopy, type ImageVersion } from '../../../domain/machine/image-copies.ts';
import type { ImagePeers, SentImage } from '../../../domain/machine/image-peers.ts';
import { hostWorkflowId } from '../../../domain/wire-names.ts';
import { inParallel } from '../../../lib/waiting/in-parallel.ts';
import { SharedRead } from '../../../lib/waiting/shared-read.ts';
import { peerBearer } from '../../../security/hosts/host-bearer.ts';
import type { HostKeys } from '../../../security/hosts/host-keys.ts';
import { openPinned, type OpenAnswer, type PinnedRequest } from '../../../security/hosts/pinned-connection.ts';
import { imagePath, manifestAndContent, ORIGIN_HEADER } from './image-wire.ts';

/** Creates that come within this time share one look at the registry. */
const LIST_SHARED_MS = 2000;
const CALL_SECONDS = 5;
const DESCRIBES_AT_ONCE = 10;
/** A host that is there begins to answer much sooner. */
const ANSWER_MS = 15_000;

interface Peer {
  hostId: string;
  address: string;
  fingerprint: string;
  copies: ImageCopy[];
  isAway: boolean;
}

export interface PeerImagesOptions {
  client: Client;
  hostId: string;
  controlTaskQueue: string;
  keys: HostKeys;
}

export function peerImages({ client, hostId: self, controlTaskQueue, keys }: PeerImagesOptions): ImagePeers {
  const within = <Result>(call: () => Promise<Result>): Promise<Result> =>
    client.withDeadline(Date.now() + CALL_SECONDS * 1000, call);
  const listed = new SharedRead(async (): Promise<Peer[]> => {
    const hosts = await within(() => registeredHosts(client, controlTaskQueue));
    const peers: Peer[] = [];
    await inParallel(
      hosts.filter(({ hostId }) => hostId !== self),
      DESCRIBES_AT_ONCE,
      async ({ hostId }) => {
        const peer = await within(() => peerOf(client, hostId, controlTaskQueue));
        if (peer !== undefined) peers.push(peer);
      },
    );
    return peers;
  });
  const ask = async (hostId: string, image: ImageVersion, how: Pick<PinnedRequest, 'method' | 'signal'>) => {
    const peer = (await listed.get(LIST_SHARED_MS)).find((one) => one.hostId === hostId);
    if (peer === undefined) throw new Error('it is in the registry no more');
    const { address, fingerprint } = peer;
    const headers = { authorization: `Bearer ${peerBearer(keys, fingerprint)}` };
    return openPinned({ address, fingerprint, path: imagePath(image), headers, ...how });
  };
  return {
    list: async () =>
      (await listed.get(LIST_SHARED_MS)).map(({ hostId, copies, isAway }) => ({ hostId, copies, isAway })),
    fetch: (hostId, image, signal) => sentBy((until) => ask(hostId, image, { signal: until }), signal as AbortSignal),
    keeps: async (hostId, image) => {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const { answer, close } = await ask(hostId, image, { method: 'HEAD', signal });
      close();
      return answer.statusCode === 200 && answer.headers[ORIGIN_HEADER] === 'registered';
    },
  };
}

/** Undefined for one that cannot be asked. */
async function peerOf(client: Client, hostId: string, controlTaskQueue: string): Promise<Peer | undefined> {
  try {
    const { memo, raw, status } = await client.workflow.getHandle(hostWorkflowId(hostId, controlTaskQueue)).describe();
    const host: RegisteredHost | undefined = status.name === 'RUNNING' ? hostOfMemo(memo) : undefined;
    if (host === undefined || host.address === null || host.fingerprint === null) return undefined;
    const copies =
      (host.state === 'lost' ? undefined : runningLease(raw)?.images) ?? imageCopiesIn(host.lastStatus?.images);
    const isAway = host.state === 'away' || host.state === 'lost';
    return { hostId, address: host.address, fingerprint: host.fingerprint, copies, isAway };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The connection stays open while the content is read, and ends with `signal`. */
async function sentBy(asks: (until: AbortSignal) => Promise<OpenAnswer>, signal: AbortSignal): Promise<SentImage> {
  const over = new AbortController();
  const late = setTimeout(() => over.abort(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  const follow = (): void => over.abort(signal.reason);
  signal.addEventListener('abort', follow, { once: true });
  try {
    signal.throwIfAborted();
    const { answer } = await asks(over.signal);
    if (answer.statusCode !== 200) throw new Error(`it answers ${answer.statusCode ?? 0}`);
    return await manifestAndContent(answer);
  } catch (error) {
    over.abort(error);
    throw error;
  } finally {
    clearTimeout(late);
  }
}
