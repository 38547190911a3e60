import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** Puts the machine that an activity is about on each line that is logged while it runs, or of its end. */
export const activityLogInterceptors: ActivityInterceptorsFactory = () => {
  let about: { machineId?: string } = {};
  return {
    inbound: {
      execute: (input, next) => {
        about = machineOf(input.args[0]);
        return next(input);
      },
    },
    outbound: { getLogAttributes: (attributes, next) => ({ ...next(attributes), ...about }) },
  };
};

function machineOf(input: unknown): { machineId?: string } {
  if (typeof input !== 'object' || input === null || !('machineId' in input)) return {};
  return typeof input.machineId === 'string' ? { machineId: input.machineId } : {};
}
