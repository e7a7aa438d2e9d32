import type { Accounts } from './accounts.ts';
import type { Database } from './database.ts';
import type { EventSink } from './events.ts';
import type { PeerSettings } from './options.ts';
import type { Stores } from './stores.ts';

/** What every part of the server works on. */
export interface PeerContext {
  readonly settings: PeerSettings;
  readonly database: Database;
  readonly stores: Stores;
  readonly accounts: Accounts;
  readonly events: EventSink;
}

export function now(context: PeerContext): Date {
  return new Date(context.settings.clock.now());
}
