import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FarSideDesk } from '../../../../src/engine/follow/far-side-desk.ts';
import { Removal, type RemovalOptions } from '../../../../src/engine/follow/removal.ts';
import type { RunJournal } from '../../../../src/engine/ports/journal.ts';
import { systemClock } from '../../../../src/lib/clock.ts';

const SIGNAL = new AbortController().signal;
const SHA256 = 'a'.repeat(64);

/** A far side with a hundred files that the task owns; the source has what `atSource` says when it is asked. */
function removal(atSource: (question: number) => (path: string) => boolean, files: number) {
  const there = new Set(Array.from({ length: 100 }, (_, at) => `/f/${String(at).padStart(3, '0')}`));
  const owned = new Set(there);
  const state: { heldSince?: Date; held?: { files: number } } = {};
  let questions = 0;
  const desk = {
    id: 'east',
    name: 'east',
    farSide: { blobsOnly: false },
    state,
    get held() {
      return state.held;
    },
    save: async (change: object) => void Object.assign(state, change),
  };
  const target = {
    findNodes: async (_: unknown, paths: readonly string[]) =>
      new Map(paths.filter((path) => there.has(path)).map((path) => [path, { folder: false, sha256: SHA256 }])),
    deleteNode: async (_: unknown, path: string) => void there.delete(path),
  };
  const options = {
    plan: {
      localProjectId: 'acme',
      objects: [
        { localRepoName: 'files', remoteProjectId: 'm', remoteRepoName: 'files', repoType: 'GENERIC', paths: [] },
      ],
      setting: { conflictStrategy: 'SKIP' },
    },
    protection: { percent: 0, files },
    journal: {
      countOwned: async () => owned.size,
      owned: async (_: string, __: object, scope: { paths?: string[]; below?: string }, after = '') =>
        [...owned]
          .filter((path) => path > after && (scope.paths?.includes(path) ?? true))
          .sort()
          .slice(0, 10)
          .map((fullPath) => ({ fullPath, sha256: SHA256, updatedAt: new Date(0) })),
      disown: async (_: string, __: object, some: readonly { fullPath: string }[]) => {
        for (const { fullPath } of some) owned.delete(fullPath);
      },
      saveRetries: async () => undefined,
    },
    reader: {
      project: async () => ({}),
      repository: async () => ({ credentialsKey: null }),
      findNodes: async (_: unknown, paths: readonly string[]) => {
        questions += 1;
        const has = atSource(questions);
        return new Map(paths.filter(has).map((path) => [path, {}]));
      },
    },
    link: { call: (request: (t: typeof target) => Promise<unknown>) => request(target) },
    desk: desk as unknown as FarSideDesk,
    clock: systemClock,
  };
  const journal = { writeDetails: async () => undefined } as unknown as RunJournal;
  const subject = new Removal(options as unknown as RemovalOptions);
  const execute = (scope: { readonly below: string } | { readonly paths: readonly string[] }) =>
    subject.execute({ index: 0, scope, at: new Date(), attempts: 0 }, () => undefined, journal, SIGNAL);
  return { subject, execute, there, state };
}

test('a source that loses everything while files are being deleted loses no more than the cap', async () => {
  // What is counted: three files have left. Then the database is dropped.
  const { execute, there, state } = removal((question) => (path) => question <= 11 && !/00[123]$/.test(path), 20);
  assert.equal(await execute({ below: '/' }), 'held');
  assert.ok(there.size >= 80, `${there.size} are left`);
  assert.ok(state.heldSince !== undefined);
});

test('departures that are dealt with side by side share one cap', async () => {
  const { execute, there } = removal(() => () => false, 20);
  const names = [...there];
  const batches = [0, 15, 30, 45].map((start) => names.slice(start, start + 15));
  const told = await Promise.all(batches.map((paths) => execute({ paths })));
  assert.deepEqual(told, ['done', 'held', 'held', 'held']);
  assert.equal(there.size, 85);
});

test('what a person has agreed to goes, and nothing beyond it', async () => {
  const { subject, execute, there, state } = removal(() => () => false, 0);
  assert.equal(await execute({ paths: ['/f/001', '/f/002'] }), 'held');
  assert.deepEqual([there.size, state.held?.files], [100, 2]);
  subject.approve();
  delete state.heldSince;
  assert.equal(await execute({ paths: ['/f/001', '/f/002'] }), 'done');
  assert.equal(await execute({ below: '/' }), 'held');
  assert.equal(there.size, 98);
});
