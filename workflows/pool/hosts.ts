import { isCancellation, log, proxyActivities } from '@temporalio/workflow';
import type { PoolActivities } from '../../domain/pool/activities.ts';
import { spreadsPools } from '../patches.ts';
import type { PoolLife } from './life.ts';

/** Hosts come and go seldom, and one that has gone is passed over. */
const HOSTS_AGE_MS = 30_000;

/** A pool refills without knowing the hosts where no worker answers at once. */
const { poolHosts } = proxyActivities<PoolActivities>({
  startToCloseTimeout: '2s',
  scheduleToCloseTimeout: '3s',
  summary: 'List the hosts that machines of the pool may be on',
  retry: { initialInterval: '500ms', maximumAttempts: 2 },
});

/** Reads which hosts there are, where that is of use and was not read a moment ago. Never rejects. */
export async function readHosts(life: PoolLife): Promise<void> {
  const { template } = life.pool;
  if (template === null || template.placement !== 'host') return;
  if (life.hosts !== null && Date.now() - life.hosts.at < HOSTS_AGE_MS) return;
  if (!spreadsPools()) return;
  const { provider, zones, hostSelector } = template.spec;
  const spec = { provider, zones, ...(hostSelector === undefined ? {} : { hostSelector }) };
  try {
    life.hosts = { at: Date.now(), places: await poolHosts({ spec }) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('which hosts there are is not known; machines of the pool go to whichever takes them', {
      error: String(error),
    });
    life.hosts = { at: Date.now(), places: [] };
  }
}
