import { plainInMarkdown } from '../plain-in-markdown.ts';
import type { PoolView } from './view.ts';

/** What a person who opens the pool in the Temporal Web UI reads first. Markdown. */
export function poolDetails(view: PoolView): string {
  const { template, version, desired, ready, inFlight, claimed, missed, failed, waitsFor } = view;
  return [
    `Pool of **${template}**, version ${version ?? '-'}: ${ready} of ${desired} ready, ${inFlight} in flight`,
    `${claimed} claimed, ${missed} missed, ${failed} failed`,
    `Waits for ${plainInMarkdown(waitsFor ?? 'claims')}`,
  ].join('\n\n');
}
