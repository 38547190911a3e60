/** The region of a server of one's own, where none was named. */
export const OWN_SERVER_REGION = 'eu-central-1';
