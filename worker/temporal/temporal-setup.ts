/**
 * What a namespace must have before a worker polls: itself, and our search attributes. An attribute that is not
 * registered would stall every VM without a word, so what cannot be registered ends the worker with the command
 * that does it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { Logger } from 'pino';
import { SEARCH_ATTRIBUTE } from '../../domain/wire-names.ts';

const RETENTION_DAYS = 30;
/** Servers cache namespaces and attributes for some seconds. */
const VISIBLE_TIMEOUT_MS = 30_000;
const POLL_MS = 250;

/** gRPC status codes, as the API of Temporal uses them. */
const GRPC = { notFound: 5, alreadyExists: 6 } as const;

/** The namespace cannot be used as it is; the message says what to run. */
export class TemporalSetupError extends Error {
  override readonly name = 'TemporalSetupError';
}

interface ValueType {
  value: number;
  /** As the `temporal` command spells it. */
  cli: string;
}

const { IndexedValueType } = proto.temporal.api.enums.v1;
const VALUE_TYPE: Record<(typeof SEARCH_ATTRIBUTE)[keyof typeof SEARCH_ATTRIBUTE]['type'], ValueType> = {
  KEYWORD: { value: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD, cli: 'Keyword' },
  KEYWORD_LIST: { value: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST, cli: 'KeywordList' },
  DATETIME: { value: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME, cli: 'Datetime' },
};
const ATTRIBUTES = Object.values(SEARCH_ATTRIBUTE).map(({ name, type }) => ({ name, ...VALUE_TYPE[type] }));

/** Registers what is missing where it may. Throws {@link TemporalSetupError} where it may not. */
export async function prepareNamespace(connection: Connection, namespace: string, log: Logger): Promise<void> {
  await ensureNamespace(connection, namespace, log);
  await ensureSearchAttributes(connection, namespace, log);
}

async function ensureNamespace(connection: Connection, namespace: string, log: Logger): Promise<void> {
  if (await namespaceExists(connection, namespace)) return;
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(RETENTION_DAYS * 24 * 3600 * 1000),
    });
    log.info({ namespace, retentionDays: RETENTION_DAYS }, 'registered the namespace');
  } catch (error) {
    if (grpcCode(error) !== GRPC.alreadyExists) {
      throw new TemporalSetupError(
        `The Temporal namespace "${namespace}" does not exist and may not be registered from here (${text(error)}). ` +
          `Run: temporal operator namespace create --namespace ${namespace} --retention ${RETENTION_DAYS}d`,
        { cause: error },
      );
    }
  }
  await untilVisible(() => isServed(connection, namespace), `namespace ${namespace}`);
}

async function namespaceExists(connection: Connection, namespace: string): Promise<boolean> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } catch (error) {
    if (grpcCode(error) === GRPC.notFound) return false;
    throw error;
  }
}

/** A new namespace is described at once, and served a little later. */
async function isServed(connection: Connection, namespace: string): Promise<boolean> {
  if (!(await namespaceExists(connection, namespace))) return false;
  try {
    await connection.operatorService.listSearchAttributes({ namespace });
    return true;
  } catch (error) {
    return grpcCode(error) !== GRPC.notFound;
  }
}

async function ensureSearchAttributes(connection: Connection, namespace: string, log: Logger): Promise<void> {
  const missing = await missingAttributes(connection, namespace);
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(({ name, value }) => [name, value])),
    });
    log.info({ namespace, searchAttributes: missing.map(({ name }) => name) }, 'registered search attributes');
  } catch (error) {
    if (grpcCode(error) !== GRPC.alreadyExists) throw refused(namespace, missing, error);
  }
  const registered = async (): Promise<boolean> => (await missingAttributes(connection, namespace)).length === 0;
  await untilVisible(registered, `search attributes of namespace ${namespace}`);
}

type Attribute = (typeof ATTRIBUTES)[number];

async function missingAttributes(connection: Connection, namespace: string): Promise<Attribute[]> {
  const known = await knownAttributes(connection, namespace);
  for (const { name, value, cli } of ATTRIBUTES) {
    const found = known[name];
    if (found !== undefined && found !== value) {
      throw new TemporalSetupError(
        `Search attribute ${name} of namespace "${namespace}" has another type than ${cli}. Use another namespace, ` +
          `or run: temporal operator search-attribute remove --namespace ${namespace} --name ${name}`,
      );
    }
  }
  return ATTRIBUTES.filter(({ name }) => known[name] === undefined);
}

async function knownAttributes(connection: Connection, namespace: string): Promise<Record<string, number>> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return customAttributes;
  } catch (error) {
    throw refused(namespace, ATTRIBUTES, error);
  }
}

function refused(namespace: string, attributes: readonly Attribute[], cause: unknown): TemporalSetupError {
  const commands = attributes.map(({ name, cli }) => {
    return `  temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${cli}`;
  });
  return new TemporalSetupError(
    `Search attributes of namespace "${namespace}" may not be read or registered from here (${text(cause)}). ` +
      `Give this worker the right to, or make sure they exist by running:\n${commands.join('\n')}`,
    { cause },
  );
}

async function untilVisible(isVisible: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + VISIBLE_TIMEOUT_MS;
  while (!(await isVisible())) {
    if (Date.now() > deadline) {
      throw new TemporalSetupError(
        `${what}: registered, but not seen after ${VISIBLE_TIMEOUT_MS / 1000} s; start again`,
      );
    }
    await sleep(POLL_MS);
  }
}

function grpcCode(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
