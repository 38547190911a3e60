import { describe, expect, it } from 'vitest';
import { copyCheckout, type CodeChange } from '../../../test-support/checkout.ts';
import { bundleWorkflows, workflowBuildId } from '../../../worker/temporal/workflow-bundle.ts';

const log = { debug: () => undefined, warn: (message: string) => process.stderr.write(`${message}\n`) };

/** The id of another checkout, whose file begins with one more constant. */
async function buildIdWith(file: string, declaration: string): Promise<string> {
  const change: CodeChange = { file, from: declaration, to: `export const MORE = 1;\n${declaration}` };
  const { root, remove } = await copyCheckout([change]);
  try {
    return workflowBuildId(await bundleWorkflows(log, root));
  } finally {
    await remove();
  }
}

describe('the build id of the workflow code', () => {
  it('is the same in another directory, also when a file of domain/ changed that no workflow imports', async () => {
    const own = workflowBuildId(await bundleWorkflows(log));
    expect(own).toMatch(/^workflows-[0-9a-f]{12}$/);
    expect(await buildIdWith('domain/machine/cloud-init.ts', 'export function cloudInitFiles')).toBe(own);
    // From what is kept in dist/ as from a new bundle.
    expect(workflowBuildId(await bundleWorkflows(log))).toBe(own);
  }, 60_000);

  it('is another when a file changed that workflows import', async () => {
    const own = workflowBuildId(await bundleWorkflows(log));
    expect(await buildIdWith('domain/timeouts.ts', 'export const TIMEOUTS')).not.toBe(own);
  }, 60_000);

  it('says nothing of where the checkout is', () => {
    const modules = ['/***/ "./a.ts"\na\n\n/***/ },\n', '/***/ "./b.ts"\nb\n\n/***/ }\n'];
    const code = (order: string[], map: string) => ({
      code: `head\n${order.join('')}tail\n//# sourceMappingURL=${map}`,
    });
    const id = workflowBuildId(code(modules, 'here'));
    expect(workflowBuildId(code(modules.toReversed(), 'there'))).toBe(id);
    expect(workflowBuildId(code([...modules, '/***/ "./c.ts"\nc\n\n/***/ }\n'], 'here'))).not.toBe(id);
  });
});
