/** The journal: reached, of a schema that this program knows, and its account may write. */
import type { Ambience } from '../../compose/installation.ts';
import { requiredSecret } from '../../compose/secrets.ts';
import { openJournal } from '../../journal/journal.ts';
import { type Check, ok } from './check.ts';

type Settings = Pick<Ambience, 'config' | 'clock' | 'logger'>;

export function journalCheck({ config, clock, logger }: Settings): Check {
  const { uri, uriFile, database } = config.journal.mongodb;
  return {
    name: 'journal',
    remedy: `check journal.mongodb.uri, the network, and that the account has readWrite on database ${database}`,
    look: async (signal) => {
      const installationId = config.installationId ?? config.instance ?? 'default';
      const options = { database, installationId, clock, logger };
      // Opening it makes its indexes, as the operator does: that needs the right to write.
      const journal = await openJournal(
        { ...options, uri: requiredSecret('journal.mongodb.uri', uri, uriFile) },
        signal,
      );
      await journal.close();
      return ok(`database ${database} is reached and may be written`);
    },
  };
}
