import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withRetried } from '../../../src/domain/retried.ts';
import { runVerdict, type SideResult, syncedOf } from '../../../src/domain/run-verdict.ts';

interface Run {
  readonly id: string;
  readonly retryOf?: string;
  readonly status: 'SUCCESS' | 'FAILED' | 'ABORTED';
  readonly endTime: string;
  readonly farSides: readonly SideResult[];
}

const NONE = { success: 0, unchanged: 0, conflict: 0, failed: 0, notTried: 0, totalBytes: 0, sentBytes: 0 };

function run(id: string, tally: Partial<SideResult['tally']>, more: Partial<Run & SideResult> = {}): Run {
  const { retryOf, status, error } = more;
  const side = { clusterId: 'e', clusterName: 'east', tally: { ...NONE, ...tally }, examples: [] };
  const failed = (tally.failed ?? 0) + (tally.notTried ?? 0) > 0 || error !== undefined;
  return {
    id,
    ...(retryOf === undefined ? {} : { retryOf }),
    status: status ?? (failed ? 'FAILED' : 'SUCCESS'),
    endTime: `end of ${id}`,
    farSides: [error === undefined ? side : { ...side, error }],
  };
}

const givenUp = { reason: 'FarSideUnavailable', message: 'silent for ten minutes' };
const base = run('base', { success: 7, unchanged: 1, failed: 2, notTried: 1, totalBytes: 90, sentBytes: 70 });
const good = run('retry', { success: 2, unchanged: 1, totalBytes: 20, sentBytes: 20 }, { retryOf: 'base' });

const verdicts: readonly (readonly [what: string, runs: readonly Run[], expected: string])[] = [
  ['of all that had failed', [good, base], 'True/AllEqual'],
  [
    'of a run that was cut off by its far side',
    [good, run('base', base.farSides[0]?.tally ?? {}, { error: givenUp })],
    'True/AllEqual',
  ],
  [
    'in which one failed again',
    [run('retry', { success: 2, failed: 1 }, { retryOf: 'base' }), base],
    'False/UnitsFailed',
  ],
  [
    'of a run that had left others alone',
    [good, run('base', { success: 1, conflict: 1, failed: 3 })],
    'False/Conflicts',
  ],
  ['of a run that is not known any more', [good], 'False/RetriedRunUnknown'],
  ['that was broken off', [run('retry', {}, { retryOf: 'base', status: 'ABORTED' }), base], 'False/Aborted'],
  [
    'of a retry, all good',
    [
      run('second', { success: 1 }, { retryOf: 'retry' }),
      run('retry', { success: 2, failed: 1 }, { retryOf: 'base' }),
      base,
    ],
    'True/AllEqual',
  ],
  [
    'of a retry of a run that had left others alone',
    [
      run('second', { success: 1 }, { retryOf: 'retry' }),
      run('retry', { success: 2, failed: 1 }, { retryOf: 'base' }),
      run('base', { conflict: 4, failed: 3 }),
    ],
    'False/Conflicts',
  ],
  [
    'of a retry whose base is not known any more',
    [run('second', { success: 1 }, { retryOf: 'retry' }), run('retry', { failed: 1 }, { retryOf: 'base' })],
    'False/RetriedRunUnknown',
  ],
  ['that names itself', [run('retry', {}, { retryOf: 'retry' })], 'False/RetriedRunUnknown'],
];
for (const [what, [newest, ...others], expected] of verdicts) {
  test(`a retry ${what}: Synced is ${expected}`, () => {
    assert.ok(newest);
    const { status, reason } = syncedOf(withRetried(newest, [newest, ...others]));
    assert.equal(`${status}/${reason}`, expected);
  });
}

test('a good retry and its run are told as one, and by both names; its own verdict is about what it tried', () => {
  assert.deepEqual(syncedOf(withRetried(good, [good, base])), {
    status: 'True',
    reason: 'AllEqual',
    message:
      'every artifact is equal at every far side (run retry, which tried again what had failed in run base, as of end of ' +
      'retry): 9 copied, 2 unchanged, 0 conflicts, 0 failed, 0 not tried; 90 bytes sent',
  });
  assert.deepEqual(runVerdict(good), {
    reason: 'RetrySucceeded',
    message:
      'what had failed in run base is equal now: 2 copied, 1 unchanged, 0 conflicts, 0 failed, 0 not tried; 20 bytes sent',
  });
});

test('a whole run is itself', () => {
  assert.equal(withRetried(base, []), base);
});

test('what is quarantined is told among what failed', () => {
  const { message } = runVerdict(run('r', { success: 1_197, failed: 3, quarantined: 2 }));
  assert.match(message, /^east: 3 failed \(2 of them quarantined\) of 1200 artifacts \(/);
  assert.match(message, /, 3 failed \(2 of them quarantined\), 0 not tried;/);
});
