import type { EC2 } from '@aws-sdk/client-ec2';
import type { CallBudget } from '../../call-budget.ts';
import { ApiCalls, type BackOff, type CallSettings } from '../../cloud/api-calls.ts';
import { failureOfCall } from './ec2-errors.ts';

/** What one call takes besides its request. */
export interface CallOptions {
  abortSignal: AbortSignal;
}

export interface Ec2Access {
  region: string;
  /** Another endpoint than Amazon's; `http://` means without credentials. */
  endpoint?: string | null;
}

/** The calls of EC2's official client, which is loaded with the first of them: a second that other workers do not pay. */
export class Ec2Calls {
  readonly #access: Ec2Access;
  readonly #calls: ApiCalls<CallOptions>;
  #client: Promise<EC2> | undefined;

  constructor(access: Ec2Access, budget: CallBudget, backOff: BackOff) {
    this.#access = access;
    this.#calls = new ApiCalls(budget, backOff, {
      optionsOf: (timeoutMs) => ({ abortSignal: AbortSignal.timeout(timeoutMs) }),
      failureOf: failureOfCall,
    });
  }

  /** Rejects with a CloudFailure, or with the reason of an aborted signal. */
  async make<Answer>(
    settings: CallSettings,
    call: (ec2: EC2, options: CallOptions) => Promise<Answer>,
  ): Promise<Answer> {
    this.#client ??= ec2Client(this.#access);
    const client = await this.#client;
    return this.#calls.make(settings, (options) => call(client, options));
  }
}

const PLAYED_CREDENTIALS = { accessKeyId: 'none', secretAccessKey: 'none' };

/** The official client; credentials are found as Amazon's own tools find them. Retries are ours alone, so that they are counted. */
export async function ec2Client({ region, endpoint }: Ec2Access): Promise<EC2> {
  const { EC2: Client } = await import('@aws-sdk/client-ec2');
  return new Client({
    region,
    maxAttempts: 1,
    ...(endpoint === undefined || endpoint === null ? {} : { endpoint }),
    ...(endpoint?.startsWith('http://') ? { credentials: PLAYED_CREDENTIALS } : {}),
  });
}
