/** The examples of docs/google-cloud.md on the strict server, as the documentation says to try them. */
import { expect, it } from 'vitest';
import { createVmSchema } from '../../../api/schemas/spec.ts';
import { normaliseSpec } from '../../../api/vms/create/normalise-spec.ts';
import { createExamples } from '../../../test-support/docs-examples.ts';
import { gcpHarness, gcpRequest } from '../../../test-support/gce-server/harness.ts';

const never = { signal: new AbortController().signal };

it('each example is a machine that runs', async () => {
  const harness = await gcpHarness();
  try {
    const examples = createExamples('docs/google-cloud.md');
    expect(examples.length).toBeGreaterThan(0);
    for (const body of examples) {
      const spec = normaliseSpec(createVmSchema.parse(body), ['gcp']);
      const machine = await harness.provider.create(gcpRequest({ spec }), never);
      expect(machine.status, JSON.stringify(body)).toBe('running');
    }
  } finally {
    await harness.dispose();
  }
});
