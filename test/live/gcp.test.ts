/** The provider contract on a real project. Started by `npm run test:gcp-live`, which checks first that it can work. */
import { gcpLiveHarness } from './gcp-live-harness.ts';
import { describeProvider } from '../provider/provider-contract.ts';

describeProvider('gcp', gcpLiveHarness);
