import { beforeAll } from 'vitest';
import { gcpHarness, warmClient } from './gce-server/harness.ts';
import { describeProvider } from './provider-contract.ts';

beforeAll(warmClient);

describeProvider('gcp', () => gcpHarness());
