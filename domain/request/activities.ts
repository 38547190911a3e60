import type { RequestOutcome } from './state.ts';

/** What the workflow of requests asks of replicas of the API, which poll for it. */
export interface RequestActivities {
  /** Does what a request asks for, and waits until it is done. Again after a try that was cut off, it finds what came of that. */
  doRequest: (input: RequestOrder) => Promise<RequestOutcome>;
}

export interface RequestOrder {
  project: string;
  name: string;
  id: string;
  sealed: string;
  /** The life of the name that a try before it was about, which was put off. */
  life?: string;
}
