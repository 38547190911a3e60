/** What an agent can do to its app on the host's word. */
export interface AppControl {
  /** Brings the usage up to date with the count at this moment. */
  recount(): Promise<void>;
  /** Admits nobody new, or admits again. Existing connections stay. */
  setDraining(draining: boolean): void;
  /** Ends the program, with clients told, within the grace time. */
  shutdown(graceSeconds: number): void;
}
