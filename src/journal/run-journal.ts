/**
 * The journal as one run sees it (engine port `RunJournal`). Before every batch the record is touched under {_id, epoch,
 * RUNNING}; when that matches nothing, the run is another's and the call fails with `EpochLost` without writing.
 */
import type { RunJournal } from '../engine/ports/journal.ts';
import { ownRun } from './own-run.ts';
import type { RunRecord } from './records.ts';
import { runDetails } from './run-details.ts';
import { runFailures } from './run-failures.ts';
import { runLeftovers } from './run-leftovers.ts';
import { runOwnership } from './run-ownership.ts';
import { runProofs } from './run-proofs.ts';
import { runUploads } from './run-uploads.ts';
import type { Runs } from './runs.ts';

export function runJournalOf(runs: Runs, record: RunRecord): RunJournal {
  const own = ownRun(runs, record);
  return {
    recordId: record.id,
    ...runDetails(own),
    ...runLeftovers(own),
    ...runProofs(own),
    ...runOwnership(own),
    ...runFailures(own),
    ...runUploads(own),
  };
}
