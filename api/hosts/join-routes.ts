import type { z } from 'zod';
import type { ApiErrorCode } from '../../domain/error-codes.ts';
import { descriptorOf } from '../../providers/lookup.ts';
import { provenFingerprint } from '../../security/hosts/endpoint-proof.ts';
import { hostBearer } from '../../security/hosts/host-bearer.ts';
import { hostKeysToText } from '../../security/hosts/host-keys.ts';
import { joinCommand, type JoinClaims, type JoinTokenFault } from '../../security/hosts/join-tokens.ts';
import { isPlainConnection } from '../agents/plain-connection.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute, openRoute } from '../http/route.ts';
import { joinBodySchema, joinReplySchema, joinTokenSchema } from '../schemas/join.ts';
import { joinAnswer } from './join-answer.ts';
import { spendJoinToken } from './spend-join-token.ts';

export const joinTokenRoute = keyedRoute({
  method: 'post',
  path: '/v1/hosts/join-tokens',
  operationId: 'createJoinToken',
  tag: 'Hosts',
  summary: 'Make a token with which a computer joins as a host',
  description: 'For one computer, once, within 15 minutes. `npm run keys -- join` makes one too.',
  access: 'admin',
  replies: { 201: { description: 'The token, and the command that uses it.', schema: joinTokenSchema } },
  errors: [],
  handle: ({ auditTarget }, { joinTokens, settings, now }) => {
    const { token, claims } = joinTokens.issue(now());
    auditTarget({ tokenId: claims.id });
    const expiresAt = new Date(claims.expiresAt).toISOString();
    return Promise.resolve({ status: 201, body: { token, expiresAt, command: joinCommand(settings.api.url, token) } });
  },
});

export const joinRoute = openRoute({
  method: 'post',
  path: '/v1/hosts/join',
  operationId: 'joinHost',
  tag: 'Hosts',
  summary: 'Join as a host',
  description:
    'What `npm run host` asks. The bearer is a join token; its first use spends it. The same host (same `hostId` and ' +
    '`hostKey`) is answered again, so that a lost answer does no harm. The answer goes over TLS, or to the same computer.',
  access: 'public',
  limitsItself: true,
  // Whoever has no token is counted, whatever the body: each attempt that is not refused for that is in the audit log.
  admits: ({ bearer, remoteAddress }, api) => {
    api.requestLimits.takeJoin(provenToken(api, bearer, remoteAddress).id, api.now());
  },
  body: joinBodySchema,
  replies: { 200: { description: 'What the host needs.', schema: joinReplySchema } },
  errors: [
    ...(['joinTokenInvalid', 'joinTokenOfOtherDeployment', 'joinTokenExpired', 'joinTokenUsed'] as const),
    ...(['insecureTransport', 'unknownProvider', 'rateLimited', 'temporalUnavailable'] as const),
  ],
  handle: async ({ bearer, body, remoteAddress, auditTarget }, api) => {
    const { hostId, hostKey } = body;
    const { id: tokenId } = provenToken(api, bearer, remoteAddress);
    const fingerprint = endpointOf(body, bearer ?? '');
    auditTarget({ hostId, tokenId });
    if (isPlainConnection(api.settings.api, remoteAddress)) {
      throw new ApiProblem('insecureTransport', 'A host gets secrets, and asks for them over plain HTTP');
    }
    const providers = providersFor(body.providers, api.settings.providers);
    await spendJoinToken(api, tokenId, { hostId, hostKey });
    const keys = hostKeysToText(api.hostKeys, hostBearer(api.bearerKeys, fingerprint));
    return { status: 200, body: joinAnswer(api.settings, providers, keys) };
  },
});

/** @throws ApiProblem `invalidRequest` for a key that the host does not have, which may be that of another. */
function endpointOf({ hostId, endpoint }: z.output<typeof joinBodySchema>, token: string): string {
  const fingerprint = provenFingerprint(endpoint, { hostId, token });
  if (fingerprint !== undefined) return fingerprint;
  throw new ApiProblem('invalidRequest', 'body.endpoint: its signature is not by its key, for this token and host id');
}

const FAULTS = {
  notOurs: ['joinTokenInvalid', 'The join token is missing, damaged, or was not made here'],
  otherDeployment: ['joinTokenOfOtherDeployment', 'The join token names another deployment'],
  expired: ['joinTokenExpired', 'The join token has expired'],
} as const satisfies Record<JoinTokenFault, readonly [ApiErrorCode, string]>;

/** @throws ApiProblem for an invalid token; a client that shows many of them is throttled. */
function provenToken(
  api: Pick<ApiContext, 'joinTokens' | 'requestLimits' | 'settings' | 'now'>,
  token: string | undefined,
  remoteAddress: string,
): JoinClaims {
  const now = api.now();
  const verdict = api.joinTokens.verify(token, now);
  if ('claims' in verdict) return verdict.claims;
  api.requestLimits.takeRefusedJoin(remoteAddress, now);
  const [code, why] = FAULTS[verdict.fault];
  throw new ApiProblem(code, why, { headers: { 'www-authenticate': 'Bearer' } });
}

/** @throws ApiProblem `unknownProvider` for one that is not offered, or whose machines run on no host. */
function providersFor(asked: readonly string[] | undefined, offered: readonly string[]): string[] {
  const onHosts = offered.filter((name) => descriptorOf(name).placement === 'host');
  const wanted = asked ?? onHosts;
  const foreign = wanted.find((name) => !onHosts.includes(name));
  if (foreign === undefined && wanted.length > 0) return [...wanted];
  const others = `one that its API and workers offer (EPHEMERA_PROVIDER) and whose machines run on hosts`;
  const named = onHosts.length === 0 ? others : `${onHosts.join(' or ')}, or ${others}`;
  throw new ApiProblem('unknownProvider', `A host of this deployment cannot run ${foreign ?? offered.join(', ')}`, {
    named,
  });
}
