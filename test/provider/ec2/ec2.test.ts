import { describeImages } from '../../../test-support/machines/image-contract.ts';
import { describeProvider } from '../../../test-support/machines/provider-contract.ts';
import { ec2Harness, ec2ImageHarness, useMoto } from '../../../test-support/ec2-server/harness.ts';

useMoto();

describeProvider('ec2', () => ec2Harness());
describeImages('ec2', ec2ImageHarness);
