/** What makes a computer a host of a deployment, and the file in which it keeps that: secret, and for its user alone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { replacePrivateFile } from '../../lib/files/private-file.ts';
import { hostKeysTextSchema, keptHostKeysSchema } from './host-keys.ts';

/** File in the state directory of a host that has joined, or is about to. */
export const HOST_FILE = 'host.json';

const temporalSchema = z
  .object({
    address: z.string().describe('`host:port`, as the API reaches it.'),
    namespace: z.string().describe('Namespace of the deployment.'),
    tls: z
      .object({
        serverName: z.string().optional().describe('Name in the certificate of the server, if it is another.'),
        serverCa: z
          .string()
          .optional()
          .describe('PEM by which the server is known; absent: the authorities of the host.'),
        clientCert: z.string().optional().describe('PEM with which the host shows who it is.'),
        clientKey: z.string().optional().describe('PEM with the key of that certificate.'),
      })
      .optional()
      .describe('Absent: the server speaks no TLS.'),
    apiKey: z.string().optional().describe('API key for Temporal; none of Ephemera.'),
    headers: z.record(z.string(), z.string()).optional().describe('Sent with every call to Temporal.'),
  })
  .describe('Where and how the host reaches Temporal.');

export const membershipSchema = z.object({
  deployment: z.string().describe('Name of the deployment, in the labels of its machines.'),
  version: z.string().describe('Version of the API.'),
  providers: z.array(z.string()).describe('Whose machines the host will run.'),
  apiUrl: z.string().describe('Where machines reach the API.'),
  controlTaskQueue: z.string().describe('Task queue of the workflows; those of the hosts derive from it.'),
  hostLostSeconds: z
    .int()
    .describe('After this long without its lease a host counts as lost, and stops its machines before.'),
  temporal: temporalSchema,
  keys: hostKeysTextSchema.describe(
    "Derived from the deployment's secret, in hex; the secret itself stays with the API.",
  ),
});

/** What a host needs to work for its deployment, as the API answers a join. */
export type Membership = z.output<typeof membershipSchema>;

const keptMembershipSchema = membershipSchema.extend({ keys: keptHostKeysSchema });

/** The same as the host keeps it. */
export type KeptMembership = z.output<typeof keptMembershipSchema>;

const hostFileSchema = z.object({
  hostId: z.string(),
  /** By which the API knows who asks again. */
  hostKey: z.string(),
  /** Address of the API that was asked. */
  askedApi: z.string(),
  /** What specs choose this host by, as it was typed. */
  zone: z.string().optional(),
  labels: z.string().optional(),
  /** Null until the API has answered. */
  membership: keptMembershipSchema.nullable(),
  /** Fingerprint of the internal endpoint's key when it joined: the API knows it by that. */
  endpoint: z.string().optional(),
});

export type HostFile = z.output<typeof hostFileSchema>;

/** The host of this state directory, or undefined when it is none. @throws Error that says what to do with a damaged file. */
export function readHostFile(stateDir: string): HostFile | undefined {
  const path = join(stateDir, HOST_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return hostFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} is damaged; restore it from a backup, or delete it and join again with a new token`, {
      cause,
    });
  }
}

export function writeHostFile(stateDir: string, host: HostFile): void {
  replacePrivateFile(join(stateDir, HOST_FILE), `${JSON.stringify(host, null, 2)}\n`);
}
