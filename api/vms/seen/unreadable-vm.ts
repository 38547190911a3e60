import { ApiProblem } from '../../http/errors/problem.ts';

/**
 * A VM whose memo is none that this version can show, while nobody could be asked for it. It is there all the same:
 * nothing about its end follows.
 */
export class UnreadableVm extends ApiProblem {
  /** Temporal says that its workflow is over. */
  readonly closed: boolean;

  constructor(workflowId: string, closed: boolean) {
    super(
      'temporalUnavailable',
      `What Temporal shows of ${workflowId} cannot be read by this version of the API, and no worker could be asked; ` +
        'it may be of a newer version: upgrade the API',
      { headers: { 'retry-after': '5' } },
    );
    this.closed = closed;
  }
}
