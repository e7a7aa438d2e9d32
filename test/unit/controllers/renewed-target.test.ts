import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renewedTarget } from '../../../src/controllers/replica-task/renewed-target.ts';
import { ReplicationError } from '../../../src/domain/errors.ts';
import type { Target } from '../../../src/engine/ports/target.ts';

const SIGNAL = new AbortController().signal;
const CLOCK = { monotonic: () => 0 };
const WHERE = { projectId: 'p', name: 'r', storageKey: null };

/** Refuses, with this code, or answers true. */
function side(refuses: string | undefined): Target & { readonly calls: string[] } {
  const calls: string[] = [];
  const answer = async (): Promise<never> => {
    calls.push('call');
    await Promise.resolve();
    if (refuses !== undefined) throw new ReplicationError('cluster', refuses, 'refused');
    return true as never;
  };
  return {
    calls,
    id: 'id',
    name: 'east',
    origin: 'http://east.test',
    prepareRepository: answer,
    findNodes: answer,
    blobStored: answer,
    pushBlob: answer,
    readBack: answer,
    createNode: answer,
    saveMetadata: answer,
    deleteMetadata: answer,
    deleteNode: answer,
    deleteVersion: answer,
    findPackage: answer,
    findVersions: answer,
    createVersion: answer,
    readBlob: answer,
    close: async () => void calls.push('close'),
  };
}

for (const code of ['Unauthorized', 'TlsError']) {
  test(`after ${code} the Secret is read once more, once for all that were refused together`, async () => {
    const second = side(undefined);
    let reopened = 0;
    const target = renewedTarget(
      side(code),
      async () => {
        reopened += 1;
        return second;
      },
      CLOCK,
    );
    const answers = await Promise.all([1, 2, 3].map(() => target.blobStored(WHERE, 'digest', SIGNAL)));
    assert.deepEqual(answers, [true, true, true]);
    assert.equal(reopened, 1);
    await target.close();
    assert.equal(second.calls.at(-1), 'close');
  });
}

test('a second refusal stands', async () => {
  let reopened = 0;
  const target = renewedTarget(
    side('Unauthorized'),
    async () => {
      reopened += 1;
      return side('Unauthorized');
    },
    CLOCK,
  );
  for (let call = 0; call < 3; call += 1)
    await assert.rejects(target.blobStored(WHERE, 'digest', SIGNAL), { code: 'Unauthorized' });
  assert.equal(reopened, 1);
});

test('a refusal long after a renewal is one of its own: the Secret is read again', async () => {
  let now = 0;
  let reopened = 0;
  const sides = [side('Unauthorized'), side(undefined)];
  const target = renewedTarget(
    side('Unauthorized'),
    async () => {
      reopened += 1;
      return sides.shift() ?? assert.fail('reopened once too often');
    },
    { monotonic: () => now },
  );
  await assert.rejects(target.blobStored(WHERE, 'digest', SIGNAL), { code: 'Unauthorized' });
  now = 31_000;
  assert.equal(await target.blobStored(WHERE, 'digest', SIGNAL), true);
  assert.equal(reopened, 2);
});

test('other errors pass as they are', async () => {
  const target = renewedTarget(side('FarSideFull'), () => assert.fail('reopened'), CLOCK);
  await assert.rejects(target.findNodes(WHERE, ['/a'], SIGNAL), { code: 'FarSideFull' });
});

const PACKAGE_CALLS: Readonly<Record<string, (target: Target) => Promise<unknown>>> = {
  findPackage: (target) => target.findPackage(WHERE, 'npm://x', SIGNAL),
  findVersions: (target) => target.findVersions(WHERE, 'npm://x', ['1'], SIGNAL),
  createVersion: (target) => target.createVersion(WHERE, {} as never, SIGNAL),
  readBlob: (target) => target.readBlob(WHERE, 'digest', 1, SIGNAL),
};
for (const [name, call] of Object.entries(PACKAGE_CALLS))
  test(`${name} goes to the far side as it was opened again`, async () => {
    const second = side(undefined);
    const target = renewedTarget(side('Unauthorized'), async () => second, CLOCK);
    assert.equal(await call(target), true);
    assert.deepEqual(second.calls, ['call']);
    assert.equal(target.origin, 'http://east.test');
  });
