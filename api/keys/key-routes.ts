/** The API keys of the deployment, as `npm run keys` has them (docs/keys.md). */
import { statSync } from 'node:fs';
import { addKey, KeyChangeError, revokeKey, rotateKey, type MadeKey } from '../../security/keys/key-changes.ts';
import { keysFile, readKeys } from '../../security/keys/keys-file.ts';
import type { ApiErrorCode } from '../../domain/error-codes.ts';
import type { ApiContext } from '../api-context.ts';
import { ApiProblem } from '../http/errors/problem.ts';
import { keyedRoute, type Reply } from '../http/route.ts';
import {
  createKeyBodySchema,
  keyListSchema,
  keyPathSchema,
  keySchema,
  madeKeySchema,
  revokeKeyQuerySchema,
  rotateKeyBodySchema,
  shownKey,
} from './key-schemas.ts';

const TAG = 'Keys';
const OWNER_WRITES = 0o200;
/** What the system says where a file or its directory cannot be written. */
const NOT_WRITABLE: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'];

export const listKeysRoute = keyedRoute({
  method: 'get',
  path: '/v1/keys',
  operationId: 'listKeys',
  tag: TAG,
  summary: 'The API keys of every project',
  description: 'Without the keys themselves, which are kept nowhere.',
  access: 'admin',
  replies: { 200: { description: 'All of them.', schema: keyListSchema } },
  errors: [],
  handle: ({ caller }, { settings, now }) => {
    const keys = readKeys(keysFile(settings.stateDir)) ?? [];
    return Promise.resolve({ status: 200, body: { keys: keys.map((key) => shownKey(key, caller.id, now())) } });
  },
});

export const createKeyRoute = keyedRoute({
  method: 'post',
  path: '/v1/keys',
  operationId: 'createKey',
  tag: TAG,
  summary: 'Make an API key',
  description:
    'For any project. The key is in this answer alone. It counts here at once, and within a second on every replica of this state directory.',
  access: 'admin',
  body: createKeyBodySchema,
  replies: { 201: { description: 'The key.', schema: madeKeySchema } },
  errors: ['keysNotWritable'],
  handle: async ({ caller, body, auditTarget }, api) => {
    const { project, role, label } = body;
    auditTarget({ project, role });
    const order = { project, role, ...(label === undefined ? {} : { label }), ...expiryOf(body, api.now()) };
    const made = await changed(api, () => addKey(api.settings.stateDir, order, api.now()));
    auditTarget({ id: made.stored.id, project, role });
    return shown(made, caller.id, api.now());
  },
});

export const rotateKeyRoute = keyedRoute({
  method: 'post',
  path: '/v1/keys/{id}/rotate',
  operationId: 'rotateKey',
  tag: TAG,
  summary: 'Replace an API key by a new one',
  description: 'For the same project, role and label. The old key ends now, or after `overlapSeconds`.',
  access: 'admin',
  params: keyPathSchema,
  body: rotateKeyBodySchema,
  replies: { 201: { description: 'The new key.', schema: madeKeySchema } },
  errors: ['unknownKey', 'keyEnded', 'keysNotWritable'],
  handle: async ({ caller, params: { id }, body, auditTarget }, api) => {
    const change = { overlapSeconds: body.overlapSeconds ?? 0, ...expiryOf(body, api.now()) };
    const made = await changed(api, () => rotateKey(api.settings.stateDir, id, change, api.now()));
    auditTarget({ id, newId: made.stored.id });
    return shown(made, caller.id, api.now());
  },
});

export const revokeKeyRoute = keyedRoute({
  method: 'delete',
  path: '/v1/keys/{id}',
  operationId: 'revokeKey',
  tag: TAG,
  summary: 'Revoke an API key',
  description:
    'It is refused here at once, and within a second on every replica of this state directory; it stays in the list. The last good key with the role admin is revoked with `force` alone.',
  access: 'admin',
  params: keyPathSchema,
  query: revokeKeyQuerySchema,
  replies: { 200: { description: 'The key as it is now.', schema: keySchema } },
  errors: ['unknownKey', 'keyEnded', 'lastAdminKey', 'keysNotWritable'],
  handle: async ({ caller, params: { id }, query }, api) => {
    const rule = { keepsAdmin: query.force !== true };
    const stored = await changed(api, () => revokeKey(api.settings.stateDir, id, api.now(), rule));
    return { status: 200, body: shownKey(stored, caller.id, api.now()) };
  },
});

function shown({ key, stored }: MadeKey, callerId: string, now: number): Reply {
  return { status: 201, body: { ...shownKey(stored, callerId, now), key } };
}

/** @throws ApiProblem `invalidRequest` for a time that has passed. */
function expiryOf({ expiresAt: text }: { expiresAt?: string | undefined }, now: number): { expiresAt?: number } {
  if (text === undefined) return {};
  const expiresAt = Date.parse(text);
  if (expiresAt > now) return { expiresAt };
  throw new ApiProblem('invalidRequest', 'body.expiresAt: must be a time to come');
}

const REFUSED: Record<KeyChangeError['reason'], ApiErrorCode> = {
  unknown: 'unknownKey',
  ended: 'keyEnded',
  lastAdmin: 'lastAdminKey',
};

/** Makes a change that counts on this replica at once. @throws ApiProblem that says why it was not made. */
async function changed<Result>(
  { settings, keys, log }: Pick<ApiContext, 'settings' | 'keys' | 'log'>,
  change: () => Promise<Result>,
): Promise<Result> {
  const file = keysFile(settings.stateDir);
  // A rename would replace a read-only file too: who distributes copies makes them read-only, and nothing is changed there.
  if ((statSync(file).mode & OWNER_WRITES) === 0) {
    throw new ApiProblem('keysNotWritable', 'This replica reads a read-only copy of keys.json');
  }
  try {
    const result = await change();
    keys.refresh();
    return result;
  } catch (error) {
    if (error instanceof KeyChangeError) throw new ApiProblem(REFUSED[error.reason], sentence(error.message));
    if (!isNotWritable(error)) throw error;
    log.error({ err: error, file }, 'the keys file cannot be changed');
    throw new ApiProblem('keysNotWritable', `keys.json cannot be written here (${error.code})`, { cause: error });
  }
}

function isNotWritable(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && NOT_WRITABLE.includes(error.code);
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
