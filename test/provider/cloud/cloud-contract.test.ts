import { paperHarness } from '../../../test-support/paper-cloud/harness.ts';
import { describeImages } from '../../../test-support/machines/image-contract.ts';
import { describeProvider } from '../../../test-support/machines/provider-contract.ts';

// A cloud that may make two servers of one request, and keeps notes of what has ended.
describeProvider('paper', () => paperHarness());
describeImages('paper', () => paperHarness());
