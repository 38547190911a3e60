/** The provider contract on a real account. Started by `npm run test:CLOUD-live`, which checks first that it can work. */
import { liveHarness } from '../../test-support/clouds/live-harness.ts';
import { describeProvider } from '../../test-support/machines/provider-contract.ts';

const cloud = process.env['EPHEMERA_LIVE_CLOUD'] ?? '';
describeProvider(cloud, () => liveHarness(cloud));
