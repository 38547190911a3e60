import { RemoteClock } from '../lib/network/remote-clock.ts';

/** The clock of Temporal, which dates what it gives this process to do. */
export const serverClock = new RemoteClock();
