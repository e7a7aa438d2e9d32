/** What the journal's tests write. */
import type { UnitDetail } from '../../../src/engine/ports/journal.ts';
import type { FarSideOutcome } from '../../../src/engine/run-types.ts';
import { type Journal, openJournal } from '../../../src/journal/journal.ts';
import type { RunRecord, RunStart } from '../../../src/journal/records.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import type { Logger } from '../../../src/telemetry/logger.ts';

export const silent: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silent,
};

export const never = new AbortController().signal;

const opened = new Set<Journal>();

let serial = 0;
/** A name no other test of this process uses: tests share a mongod but never a document. */
export function unique(prefix: string): string {
  serial += 1;
  return `${prefix}-${process.pid}-${serial}`;
}

export async function open(
  uri: string,
  options: {
    readonly database?: string;
    readonly installationId?: string;
    readonly timeoutMs?: number;
    readonly clock?: Clock;
  } = {},
): Promise<Journal> {
  const { database = unique('journal'), installationId = 'one', ...rest } = options;
  const complete = { uri, database, installationId, clock: systemClock, logger: silent, ...rest };
  const journal = await openJournal(complete, never);
  opened.add(journal);
  return journal;
}

/** To be called before the mongod goes, also when a test failed half-way. */
export async function closeAll(): Promise<void> {
  await Promise.all([...opened].map((journal) => journal.close()));
  opened.clear();
}

export function start(changes: Partial<RunStart> = {}): RunStart {
  return {
    taskKey: 'key-of-nightly',
    taskUid: 'uid-1',
    namespace: 'team',
    name: 'nightly',
    claim: 'one-shot:abc',
    trigger: 'one-shot',
    specHash: 'abc',
    generation: 3,
    reserveDays: 30,
    keepDetails: true,
    ...changes,
  };
}

export async function begin(journal: Journal, changes: Partial<RunStart> = {}): Promise<RunRecord> {
  const { outcome, record } = await journal.beginRun(start(changes), never);
  if (outcome !== 'started') throw new Error(`the run did not start: ${outcome}`);
  return record;
}

export function detail(unit: number | string, changes: Partial<UnitDetail> = {}): UnitDetail {
  return {
    clusterId: 'cluster-a',
    clusterName: 'edge-a',
    localRepoName: 'files',
    remoteProjectId: 'mirror',
    remoteRepoName: 'files',
    repoType: 'GENERIC',
    unitKey: `0:/dir/${unit}`,
    fullPath: `/dir/${unit}`,
    status: 'SUCCESS',
    size: 10,
    bytesSent: 10,
    sha256: 'a'.repeat(64),
    conflictStrategy: 'SKIP',
    startTime: new Date(1_000),
    endTime: new Date(2_000),
    ...changes,
  };
}

export function outcome(changes: Partial<FarSideOutcome> = {}): FarSideOutcome {
  return {
    clusterId: 'cluster-a',
    clusterName: 'edge-a',
    tally: {
      success: 3,
      unchanged: 2,
      conflict: 1,
      failed: 4,
      quarantined: 1,
      notTried: 5,
      totalBytes: 1_000,
      sentBytes: 300,
    },
    examples: [],
    ...changes,
  };
}

/** For `assert.rejects`: the code and class of a classified error. */
export function failure(errorClass: string, code: string): { errorClass: string; code: string } {
  return { errorClass, code };
}
