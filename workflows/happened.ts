/** An event before it is stamped with workflow time. */
export type Happened<Event extends { at: number }> = Event extends unknown ? Omit<Event, 'at'> : never;
