import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FAILURE_BUDGET,
  type FileState,
  filesFingerprint,
  heldBack,
  nextFailure,
  type PastFailure,
  versionFingerprint,
  waitAfter,
} from '../../../src/domain/quarantine.ts';

const MINUTE = 60_000;
const LAST = Date.parse('2026-11-22T12:00:00Z');

function past(fields: Partial<PastFailure> = {}): PastFailure {
  return {
    fingerprint: 'as it was',
    failures: 1,
    lastFailedAt: new Date(LAST),
    reason: 'BlobMissing',
    message: 'blob abc is not in the store',
    ...fields,
  };
}

const cases: readonly (readonly [
  what: string,
  failures: number,
  fingerprint: string,
  minutesLater: number,
  expected: string | undefined,
])[] = [
  ['failed once, at once', 1, 'as it was', 0, 'BackingOff'],
  ['failed once, just before the minute has passed', 1, 'as it was', 0.99, 'BackingOff'],
  ['failed once, a minute later', 1, 'as it was', 1, undefined],
  ['failed twice, a minute later', 2, 'as it was', 1, 'BackingOff'],
  ['failed twice, two minutes later', 2, 'as it was', 2, undefined],
  ['failed four times, seven minutes later', 4, 'as it was', 7, 'BackingOff'],
  ['failed four times, eight minutes later', 4, 'as it was', 8, undefined],
  ['failed as often as may be, a year later', FAILURE_BUDGET, 'as it was', 525_600, 'Quarantined'],
  ['failed more often than may be', FAILURE_BUDGET + 3, 'as it was', 525_600, 'Quarantined'],
  ['failed as often as may be, but its source has changed', FAILURE_BUDGET, 'changed', 0, undefined],
  ['failed once, and its source has changed', 1, 'changed', 0, undefined],
  ['failed in a future that a clock set back has left', 1, 'as it was', -24 * 60, undefined],
];
for (const [what, failures, fingerprint, later, expected] of cases) {
  test(`a unit that ${what} ${expected === undefined ? 'is tried' : `is held back: ${expected}`}`, () => {
    const now = new Date(LAST + later * MINUTE);
    assert.equal(heldBack(past({ failures }), fingerprint, now)?.reason, expected);
  });
}

test('what is held back says how often and why it failed, when it is tried again, and how to ask for it', () => {
  const backing = heldBack(past({ failures: 3 }), 'as it was', new Date(LAST))?.message;
  assert.equal(
    backing,
    'not tried: it failed 3 times in a row, the last time by BlobMissing: blob abc is not in the store; it is tried again ' +
      'by the first run after 2026-11-22T12:04:00.000Z or when its source changes, or at once when a new value of the ' +
      'annotation replication.bkrepo.io/retry-requested asks for it',
  );
  const quarantined = heldBack(past({ failures: 5, message: 'x'.repeat(5_000) }), 'as it was', new Date(LAST))?.message;
  assert.match(quarantined ?? '', /^not tried: it failed 5 times in a row, .*x…; it is tried again when its source/);
  assert.ok((quarantined ?? '').length < 500);
});

test('the wait doubles from one minute and never exceeds an hour', () => {
  assert.deepEqual(
    [1, 2, 3, 6, 7, 8, 1_000].map((failures) => waitAfter(failures) / MINUTE),
    [1, 2, 4, 32, 60, 60, 60],
  );
});

test('failures are counted while the source stays as it is, and from one again when it changes', () => {
  const now = new Date(LAST + MINUTE);
  const failure = { fingerprint: 'as it was', reason: 'Timeout', message: 'silent' };
  assert.equal(nextFailure(undefined, failure, now, false).failures, 1);
  assert.deepEqual(nextFailure(past({ failures: 4 }), failure, now, false), {
    ...failure,
    failures: 5,
    lastFailedAt: now,
  });
  assert.equal(nextFailure(past({ failures: 4 }), { ...failure, fingerprint: 'changed' }, now, false).failures, 1);
  assert.equal(nextFailure(past({ failures: 4 }), failure, now, true).failures, 4, 'counted in this run already');
  assert.equal(nextFailure(undefined, failure, now, true).failures, 1);
});

const FILE: FileState = {
  kind: 'file',
  size: 1,
  sha256: 'a',
  lastModifiedDate: new Date(LAST),
  metadata: [{ key: 'k', value: 'v', system: false }],
};
const states: readonly (readonly [what: string, state: Partial<FileState>, changed: boolean])[] = [
  ['content', { sha256: 'b' }, true],
  ['size', { size: 2 }, true],
  ['metadata', { metadata: [{ key: 'k', value: 'w', system: false }] }, true],
  ['date alone', { lastModifiedDate: new Date(0) }, false],
  ['kind', { kind: 'block' }, true],
];
for (const [what, state, changed] of states) {
  test(`a file with another ${what} is ${changed ? 'another' : 'the same'} state of its source`, () => {
    assert.equal(filesFingerprint([{ ...FILE, ...state }]) !== filesFingerprint([FILE]), changed);
  });
}

test('of a file whose digest is not known before it is read, the date tells a change; of a version its files do, too', () => {
  const block = { ...FILE, kind: 'block', sha256: '0' };
  assert.notEqual(filesFingerprint([{ ...block, lastModifiedDate: new Date(0) }]), filesFingerprint([block]));
  const version = {
    name: '1.0',
    size: 1,
    manifestPath: null,
    artifactPaths: ['/a'],
    lastModifiedDate: new Date(LAST),
    metadata: [],
  };
  const known = versionFingerprint(version, [FILE]);
  assert.equal(versionFingerprint({ ...version }, [{ ...FILE }]), known);
  assert.notEqual(versionFingerprint(version, [{ ...FILE, sha256: 'b' }]), known);
  assert.notEqual(versionFingerprint(version, []), known);
  assert.notEqual(versionFingerprint({ ...version, size: 2 }, [FILE]), known);
});
