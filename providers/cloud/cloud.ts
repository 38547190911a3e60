/**
 * What is particular to one cloud, and nothing else: how its servers are found, made, changed and taken away. The rules
 * that keep one machine from becoming two or outliving its end are the same for all and stand in cloud-provider.ts.
 */
import type { CreateMachineRequest, MachineEndCause } from '../../domain/machine/provider.ts';
import type { VmSpec } from '../../domain/vm/spec.ts';
import type { CallSettings } from './api-calls.ts';
import type { CloudFailure } from './cloud-failure.ts';
import type { ImageRecord } from './image-record.ts';
import type { MachineRecord } from './machine-record.ts';

/** What we asked a server to be, written into the server itself: so one that we stopped is told from one that ended. */
export type PowerWish = 'stopped' | 'suspended';

/** A server as its cloud describes it now. */
export interface CloudServer {
  /** The cloud's own id of it. */
  id: string;
  /** Its id in the documents by which its cloud vouches for it, such as Azure's `vmId`; absent: none, or `id`. */
  instanceId?: string;
  /** Its zone or region, as specs have it in `zones`. */
  place: string;
  /**
   * `stopping`: on its way down, whoever wanted that. `gone`: the cloud still remembers it, and nothing of it is left.
   * Parts of a machine whose server is not there yet count as `starting` while they may still become one, then as `gone` with
   * a `failure`: such a machine is listed as ended until it is removed.
   */
  status: 'starting' | 'running' | 'stopping' | 'stopped' | 'suspended' | 'gone';
  /** Where its users reach it; null while it has none. */
  ip: string | null;
  /** Epoch ms. */
  createdAt: number;
  record: MachineRecord;
  wish: PowerWish | null;
  /**
   * Why the cloud gave up what it had accepted: of a make (then it is `gone`, and what is left of it is in the way of another
   * try until it is removed) or of a start (then it is `stopped`).
   */
  failure?: CloudFailure | undefined;
}

/** What a server begins with. */
export interface MakeOptions {
  place: string;
  /** The image of a closed session that the spec names, instead of the spec's own. */
  startImage: CloudImage | undefined;
}

/** What changes when a machine gets another owner, or its agent another proof. */
export interface RecordChange {
  record: MachineRecord;
  /** As of the new owner, for people; absent: they stay. */
  spec?: VmSpec;
  /** What the agent proves itself with from now on; absent: what it has. */
  secret?: string;
}

/**
 * One cloud. Methods make their calls by an ApiCalls of theirs, so that each is counted, retried where that can help, and
 * rejects with a CloudFailure; `make`, `begin` and nothing else is called once per try (`settings.once`). A server or image
 * is believed to be ours only where its record names this deployment. Nothing here waits for an end: the provider looks again.
 */
export interface Cloud {
  /** As specs and settings have it. */
  readonly name: string;
  /** Whether two makes of one request at one place can never give two servers. Without it the provider looks again after each. */
  readonly makesOnce: boolean;
  /** That holds for one place: two processes that find different places full make two. Absent where a machine is one anywhere. */
  readonly makesOncePerPlace?: true;
  /** Refuses what cannot be made, before anything is asked of the cloud. Throws ProviderError `badSpec`, naming the field. */
  check(request: CreateMachineRequest): void;
  /** Zones or regions in the order to try. */
  places(spec: VmSpec): readonly string[];
  /** Every server that carries this id, `gone` ones too; never from memory. */
  find(machineId: string, settings: CallSettings): Promise<CloudServer[]>;
  /** That server now, in one call; undefined when it is gone without a trace. */
  get(server: CloudServer, settings: CallSettings): Promise<CloudServer | undefined>;
  /** Every server of this deployment, on as many pages as that takes; rejects rather than leave one out. */
  list(settings: CallSettings): Promise<CloudServer[]>;
  /**
   * Asks for the server and resolves when the cloud has accepted it. Rejects with a CloudFailure: `noCapacity` (another place
   * may have it), `rateLimited` (nothing was made), `unavailable` (nobody knows), `badRequest`, `permission`, …
   */
  make(request: CreateMachineRequest, options: MakeOptions, settings: CallSettings): Promise<CloudServer>;
  /**
   * Takes away whatever there is of the machine: its servers, however many, with disks, addresses and interfaces. `going`: some
   * of it is still there; it is called again until all is `gone`. To be called also where the caller has seen nothing.
   */
  remove(machineId: string, settings: CallSettings): Promise<'gone' | 'going'>;
  /** Takes away one server of several with the same id, and leaves the others. */
  removeOne(server: CloudServer, settings: CallSettings): Promise<void>;
  /**
   * Ids that are never used again, kept by the cloud for a day at least, so that every process knows them; absent where a make
   * of a destroyed id cannot succeed there.
   */
  readonly ended?: EndedIds;
  /** Writes the wish into the server; null takes it away. */
  setWish(server: CloudServer, wish: PowerWish | null, settings: CallSettings): Promise<void>;
  /** In a state where that cannot be: CloudFailure `notReady`, and the provider looks again. */
  stop(server: CloudServer, settings: CallSettings): Promise<void>;
  start(server: CloudServer, settings: CallSettings): Promise<void>;
  /** Absent where the memory of a server cannot be kept. */
  suspend?(server: CloudServer, settings: CallSettings): Promise<void>;
  /**
   * Writes another record, whole or not at all. `fingerprint` where somebody else changed it since `server` was read, as far as
   * the cloud can tell.
   */
  change(server: CloudServer, change: RecordChange, settings: CallSettings): Promise<void>;
  /** The last of its console output; undefined where the cloud keeps none. */
  console(server: CloudServer, settings: CallSettings): Promise<string | undefined>;
  /** Why the cloud took the machine away by itself. */
  endCause?(machineId: string, settings: CallSettings): Promise<MachineEndCause | undefined>;
  readonly images?: CloudImages;
}

export interface EndedIds {
  note(machineId: string, settings: CallSettings): Promise<void>;
  has(machineId: string, settings: CallSettings): Promise<boolean>;
}

/** An image that was made of a machine, as its cloud describes it now. */
export interface CloudImage {
  id: string;
  record: ImageRecord;
  /** Epoch ms. */
  createdAt: number;
  status: 'pending' | 'ready' | 'failed';
  deprecated: boolean;
  sizeBytes?: number;
  /** A disk made from it is at least as large. */
  diskGb: number;
}

export interface CloudImages {
  /** Every image of this name that is ours, failed ones too. */
  find(name: string, settings: CallSettings): Promise<CloudImage[]>;
  list(settings: CallSettings): Promise<CloudImage[]>;
  /**
   * Whether something is on its way that may become an image of this name, begun by any process. What has ended before the answer
   * is found after it. Absent where `find` shows all of them.
   */
  mayCome?(name: string, settings: CallSettings): Promise<boolean>;
  /** Asks for the image of a stopped server's disk, and resolves when the cloud has accepted that. */
  begin(record: ImageRecord, server: CloudServer, settings: CallSettings): Promise<void>;
  deprecate(image: CloudImage, settings: CallSettings): Promise<void>;
  /** With the snapshots that it consists of. CloudFailure `notReady` where it is in use. */
  remove(image: CloudImage, settings: CallSettings): Promise<void>;
}
