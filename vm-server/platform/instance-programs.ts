import { parseInstanceOptions, runInstanceMachine } from './instance-machine.ts';
import { INSTANCE_PLATFORMS } from './instance-platforms.ts';

/** What vm-server can be on an instance of a cloud, by its first word. */
export const INSTANCE_PROGRAMS: Readonly<Record<string, (args: string[]) => Promise<void>>> = Object.fromEntries(
  INSTANCE_PLATFORMS.map((platform) => [
    platform.name,
    (args: string[]) => runInstanceMachine(parseInstanceOptions(platform, args)),
  ]),
);
