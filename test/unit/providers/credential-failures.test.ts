import { describe, expect, it } from 'vitest';
import { failureOfCall as failureOfAzure } from '../../../providers/azure/calls/client-errors.ts';
import { failureOfCall as failureOfEc2 } from '../../../providers/ec2/calls/ec2-errors.ts';

/** As @azure/identity tells of what a token's giver answered. */
const authentication = (statusCode: number): Error =>
  Object.assign(new Error(`AuthenticationError: ${statusCode}`), { name: 'AuthenticationError', statusCode });

describe('a token that Azure does not give', () => {
  it.each([
    [500, 'unavailable'],
    [503, 'unavailable'],
    [429, 'rateLimited'],
  ] as const)('because who gives them is ill (%i) is asked for again', (status, kind) => {
    expect(failureOfAzure(authentication(status))).toMatchObject({ kind, passes: true });
  });

  it.each([400, 401])('because it is refused (%i) is a missing permission', (status) => {
    expect(failureOfAzure(authentication(status))).toMatchObject({ kind: 'permission', passes: false });
  });
});

describe('a request that EC2 takes for old', () => {
  it('after a jump of the clock is made again: the client has set its own by that answer', () => {
    const expired = Object.assign(new Error('Request has expired.'), {
      name: 'RequestExpired',
      $metadata: { httpStatusCode: 400 },
    });
    expect(failureOfEc2(expired)).toMatchObject({ kind: 'unavailable', passes: true });
  });
});
