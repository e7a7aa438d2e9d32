import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Target } from '../../../src/engine/ports/target.ts';
import { eventually } from '../../support/wait.ts';
import { World } from '../../support/world.ts';

/** Of the test's world: a page of 100 is compared with one question, 50 committed files are read back together. */
const FILES = 90;
const SETTLE_SIZE = 50;
const CONCURRENCY = 4;

let world: World;

before(async () => {
  world = await World.start();
  const contents = Array.from({ length: FILES }, (_, index) => ({ path: `/file-${index}`, content: `file ${index}` }));
  await world.files.putFiles(contents);
});
after(() => world.stop());

test('files go on crossing while committed ones are read back', async () => {
  const farSide = await world.farSide('east');
  let questions = 0;
  let created = 0;
  /** The first question compares; the second reads back, and is answered only when more files have followed. */
  const slow: Target = {
    ...farSide.target,
    async findNodes(repository, fullPaths, signal) {
      questions += 1;
      if (questions === 2) {
        const followed = SETTLE_SIZE + 2 * CONCURRENCY;
        await eventually(async () => created > followed, { timeoutMs: 20_000 });
      }
      return farSide.target.findNodes(repository, fullPaths, signal);
    },
    async createNode(...call) {
      const result = await farSide.target.createNode(...call);
      created += 1;
      return result;
    },
  };
  const { outcome } = await world.run([{ ...farSide, target: slow }], { concurrency: CONCURRENCY });
  assert.equal(outcome.farSides[0]?.tally.success, FILES);
  assert.ok(questions >= 3, 'nothing was read back twice');
  assert.deepEqual(await world.differences(farSide), []);
});
