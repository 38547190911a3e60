/** Visibility query for open workflows of these types, of the deployment on this control queue, with more conditions. */
export function runningWorkflows(
  type: string | readonly string[],
  controlTaskQueue: string,
  ...conditions: readonly string[]
): string {
  return [
    typeof type === 'string'
      ? `WorkflowType = '${type}'`
      : `WorkflowType IN (${type.map((one) => `'${one}'`).join(', ')})`,
    "ExecutionStatus = 'Running'",
    `TaskQueue = '${controlTaskQueue}'`,
    ...conditions,
  ].join(' AND ');
}
