import { beforeAll } from 'vitest';
import { azureHarness, azureImageHarness, warmClient } from '../../../test-support/azure-server/harness.ts';
import { describeImages } from '../../../test-support/machines/image-contract.ts';
import { describeProvider } from '../../../test-support/machines/provider-contract.ts';

beforeAll(warmClient, 60_000);

describeProvider('azure', () => azureHarness());
describeImages('azure', () => azureImageHarness());
