/** What a computer is prepared with before machines of a provider can be made on it: what they boot, and what runs them. */

/** How the tools of a provider reach this computer, and the person in front of it. */
export interface HostKit {
  /** For what is fetched or made once for all deployments of this user. */
  cacheDir: string;
  /** The machine program, built where it is missing. */
  vmServerFile(): Promise<string>;
  say(text: string): void;
  /** Does one step and shows it with its time and what it noted. */
  step<Result>(name: string, work: (report: { note: (text: string) => void }) => Promise<Result>): Promise<Result>;
}

/** An image of the user, registered on this host. */
export interface RegisteredImage {
  name: string;
  version: string;
  sizeGb: number;
  /** RFC 3339. */
  addedAt: string;
}

/** Of what is registered from another computer. */
export interface AddImageOptions {
  /** Over http too. */
  plainHttp?: boolean;
  /** What a URL must send. */
  sha256?: string;
  /** Where logins are found. */
  env?: Readonly<Record<string, string | undefined>>;
  onProgress?: (receivedBytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/** `Own`: the provider's own settings. Every method rejects with a ProviderError that says what is missing and what to do. */
export interface HostTools<Own> {
  /** The settings with what was found and made here, where they do not say it themselves. */
  prepare(own: Own, kit: HostKit): Promise<Own>;
  /** The directory of the image that its machines boot, made where it is missing. `refresh`: from the newest system parts. */
  makeImage(kit: HostKit, options: { refresh: boolean }): Promise<string>;
  /** What is missing here, each with what to do. `again`: looks anew at what was found before. */
  findMissing(kit: HostKit, options: { again: boolean }): Promise<string[]>;
  /** `stateDir`: that of the host. `source`: a file, a directory, a URL, or a name in a registry. */
  addImage(stateDir: string, name: string, source: string, options: AddImageOptions): Promise<RegisteredImage>;
  listImages(stateDir: string): Promise<RegisteredImage[]>;
  /** Rejects while a machine has it. */
  removeImage(stateDir: string, name: string): Promise<void>;
}
