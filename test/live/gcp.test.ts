/** The provider contract on a real project. Started by `npm run test:gcp-live`, which checks first that it can work. */
import { gcpLiveHarness } from '../../test-support/gce-server/gcp-live-harness.ts';
import { describeProvider } from '../../test-support/machines/provider-contract.ts';

describeProvider('gcp', gcpLiveHarness);
