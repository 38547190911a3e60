import { REQUEST_CONTENT_TYPE, REQUEST_LOCATION, requestSchema } from '../schemas/request.ts';
import { vmSchema } from '../schemas/vm.ts';

/** An answer that comes before what was asked for: where to look is in its header. */
export const LATER_REPLY = {
  schema: vmSchema,
  instead: { contentType: REQUEST_CONTENT_TYPE, schema: requestSchema },
  headers: {
    Location: REQUEST_LOCATION,
    'Preference-Applied': '`respond-async` where the request is done later; else absent.',
  },
} as const;

export const LATER_ACTION_REPLIES = {
  200: { description: 'Done: the VM as its workflow answers now.', schema: vmSchema },
  202: {
    description:
      'Kept by Temporal, and no worker has answered yet: the VM as last seen. Or the request is done later, as it prefers.',
    ...LATER_REPLY,
  },
} as const;
