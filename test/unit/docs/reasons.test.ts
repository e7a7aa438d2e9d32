/**
 * docs/troubleshooting.md, and its translation, list every reason that the program can give. Reasons are CamelCase
 * literals, so every such literal of the rooms that make them counts as one, unless it is named below as something else:
 * a new reason without documentation fails here, and so does a documented one that no code has.
 */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const LITERAL = /'(?<word>[A-Z][a-z0-9]+(?:[A-Z][a-zA-Z0-9]*)*)'/g;
const MADE_OF_PARTS = /`\$\{[^}]*\}(?<end>[A-Z][a-z]+[A-Za-z]*)`/g;
const ROW = /^\| `(?<reason>[A-Za-z]+)` \| (?<meaning>[^|]+) \| (?<remedy>[^|]+) \|$/gm;

/**
 * Rooms whose words never reach a condition, an Event or a record: `peer` and `rest` answer with codes of bk-repo's,
 * `cli` prints, and errors of `kube` are translated in src/resources/kube-errors.ts.
 */
const OTHER_ROOMS = new Set(['cli', 'kube', 'peer', 'rest']);

/** Ends of words in templates that are no reasons: `uriFile`. */
const OTHER_ENDS: ReadonlySet<string> = new Set(['File']);

/** CamelCase words that are no reasons. `FeedReady` and `Stalled` are reasons of Events, too, so they are missing here. */
const NO_REASONS: ReadonlySet<string> = new Set(
  [
    // Types and states of conditions.
    'Ready Reconciling Synced Running Fresh Backfilling DeletesHeld True False Unknown',
    // Kinds, owners, types and actions of Events, schedules in words, units, headings.
    'Cluster ReplicaTask Secret ConfigMap List ArgoCD Flux Helm HelmRelease Kustomization',
    'Normal Warning Probe Reconcile Replicate Schedule Follow Once Continuously KiB MiB GiB TiB PiB General Journal',
    // Names of classes, and codes of errors that are translated before anybody is told.
    'AbortError Error RunAbort ReplicationError ScheduleError TerminalError ReconcileTimeoutError ShutdownError',
    'ContentMismatchError UnknownZoneError UnknownZone InvalidPathError InvalidPath CronFault ZoneFault',
    'ConfigError ConfigInvalid',
    // Of MongoDB and S3.
    'RetryableWriteError TransientTransactionError SystemOverloadedError NetworkError NoSuchBucket',
    'WaitQueueTimeoutError PoolClearedOnNetworkError',
  ].flatMap((line) => line.split(' ')),
);

interface Documented {
  readonly reason: string;
  readonly meaning: string;
  readonly remedy: string;
}

const PAGES = ['docs/troubleshooting.md', 'docs/zh/troubleshooting.md'];

const documented = new Map<string, readonly Documented[]>();
const literals = new Map<string, string>();
const ends = new Map<string, string>();

before(async () => {
  for (const page of PAGES) {
    const text = await readFile(path.join(ROOT, page), 'utf8');
    documented.set(
      page,
      [...text.matchAll(ROW)].map(({ groups }) => groups as unknown as Documented),
    );
  }
  for await (const file of glob('src/**/*.ts', { cwd: ROOT })) {
    const room = file.split(path.sep)[1] ?? '';
    if (OTHER_ROOMS.has(room) || file.endsWith('.gen.ts')) continue;
    const source = await readFile(path.join(ROOT, file), 'utf8');
    for (const { groups } of source.matchAll(LITERAL)) literals.set(groups?.['word'] ?? '', file);
    for (const { groups } of source.matchAll(MADE_OF_PARTS)) ends.set(groups?.['end'] ?? '', file);
  }
});

function isReason(word: string): boolean {
  return !NO_REASONS.has(word) && !/^Mongo\w+Error$/.test(word);
}

for (const page of PAGES) {
  test(`every reason in the code is in ${page}`, () => {
    const known = new Set(documented.get(page)?.map(({ reason }) => reason));
    const missing = [...literals].filter(([word]) => isReason(word) && !known.has(word));
    assert.deepEqual(
      missing.map(([word, file]) => `${word} (${file})`),
      [],
      `add it to ${page}, or to NO_REASONS here if it is none`,
    );
  });

  test(`every reason in ${page} is in the code, and there once with a meaning and a remedy`, () => {
    const rows = documented.get(page) ?? [];
    const reasons = rows.map(({ reason }) => reason);
    assert.ok(reasons.length > 150, `${reasons.length} found`);
    assert.deepEqual(
      reasons.filter((reason, at) => !literals.has(reason) || !isReason(reason) || reasons.indexOf(reason) !== at),
      [],
    );
    for (const { reason, meaning, remedy } of rows)
      assert.ok(meaning.length > 4 && /[.。]$/.test(remedy), `${reason}: ${meaning} | ${remedy}`);
  });
}

test('a reason that is made of parts is somewhere written out', () => {
  const words = [...literals.keys()];
  const isHidden = (end: string): boolean => !words.some((word) => word !== end && word.endsWith(end));
  const hidden = [...ends].filter(([end]) => !OTHER_ENDS.has(end) && isHidden(end));
  assert.deepEqual(hidden, []);
});

test('words that are no reasons are still words of the code', () => {
  assert.deepEqual(
    [...NO_REASONS].filter((word) => !literals.has(word)),
    [],
  );
});
