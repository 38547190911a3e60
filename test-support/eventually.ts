/** Repeats an expectation until it holds; after `timeoutMs` its last failure is thrown. */
export async function eventually(expectation: () => Promise<void> | void, timeoutMs = 30_000): Promise<void> {
  const begun = Date.now();
  for (;;) {
    try {
      await expectation();
      return;
    } catch (error) {
      const waitedMs = Date.now() - begun;
      if (waitedMs > timeoutMs) throw error;
      // What takes long is asked for less often.
      await new Promise((resolve) => setTimeout(resolve, waitedMs < 1000 ? 20 : 100));
    }
  }
}
