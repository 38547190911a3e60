/** Codes of the REST API for requests that are done later; part of the table in domain/error-codes.ts. */
export const REQUEST_ERROR = {
  unknownRequest: {
    status: 404,
    title: 'No such request',
    todo: 'Use the id of an answer with `Prefer: respond-async`. What came of a request is kept for a day, the last 20 of a name.',
  },
  queueFull: {
    status: 429,
    title: 'Too many requests wait',
    todo: 'Wait until some are done (GET /v1/requests/{id}), or cancel those that nobody needs.',
  },
  requestExpired: {
    status: 504,
    title: 'The request was not begun in its time',
    todo: 'Nothing was done. Send it again, with a longer `queueTimeoutSeconds` where it may wait longer.',
  },
  requestRunning: {
    status: 409,
    title: 'The request is being done',
    todo: 'Wait for its end (GET /v1/requests/{id}); what it does can be undone by a request of its own.',
  },
  requestUnreadable: {
    status: 409,
    title: 'The request cannot be opened, or is none that this API accepted',
    todo: 'Send it again. The secret key of the deployment was changed since it was accepted (docs/upgrading.md), or somebody has written to its workflow.',
  },
  notDone: {
    status: 409,
    title: 'The VM did not come to what was asked for',
    todo: 'Read `detail` of the VM (GET /v1/vms/{name}) and its timeline, then ask again.',
  },
} as const;
