import { beforeAll } from 'vitest';
import { digitalOceanHarness, warmClient } from '../../../test-support/digitalocean-server/harness.ts';
import { describeProvider } from '../../../test-support/machines/provider-contract.ts';

beforeAll(warmClient);

describeProvider('digitalocean', () => digitalOceanHarness());
