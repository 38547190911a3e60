/** Of the query of a URL that opens a VM. No program in a VM ever gets it. */
export const LINK_PARAMETER = 'ephemera_link';
