/** Repeats an expectation until it holds, and gives what it gave; after `timeoutMs` its last failure is thrown. */
export async function eventually<Value>(expectation: () => Promise<Value> | Value, timeoutMs = 30_000): Promise<Value> {
  const begun = Date.now();
  for (;;) {
    try {
      return await expectation();
    } catch (error) {
      const waitedMs = Date.now() - begun;
      if (waitedMs > timeoutMs) throw error;
      // What takes long is asked for less often.
      await new Promise((resolve) => setTimeout(resolve, waitedMs < 1000 ? 20 : 100));
    }
  }
}
