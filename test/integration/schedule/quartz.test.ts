import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartUnavailable } from '../../support/assets/chain.ts';
import { compareWithQuartz } from '../../support/quartz/compare.ts';
import { CLOCK_CHANGES, REFUSALS } from '../../support/quartz/differences.ts';
import { randomQuestion } from '../../support/quartz/expressions.ts';
import { type Answer, askQuartz, type Question } from '../../support/quartz/quartz.ts';
import { printedSeed, seededRandom } from '../../support/seed.ts';

const FRESH = 300;

test('the real Quartz fires when we say, and takes what we say it takes', { timeout: 240_000 }, async () => {
  const random = seededRandom(printedSeed('Quartz'));
  const fresh = Array.from({ length: FRESH }, () => randomQuestion(random));
  const changes = CLOCK_CHANGES.map(({ expression, zone, after }) => ({ expression, zone, after: [secondOf(after)] }));
  const taken = REFUSALS.flatMap(({ examples }) =>
    examples.map((expression) => ({ expression, zone: 'UTC', after: [0] })),
  );
  const answers = await answersTo([...fresh, ...changes, ...taken]);
  if (answers === undefined) return;
  const { same, wrong } = compareWithQuartz(
    fresh.flatMap((question, index) => {
      const answer = answers[index];
      return answer === undefined || ('next' in answer && answer.next.includes('failed')) ? [] : [{ question, answer }];
    }),
  );
  assert.deepEqual(wrong, []);
  assert.ok(same > FRESH, `${same} times the same`);
  assert.deepEqual(
    answers.slice(FRESH, FRESH + changes.length),
    CLOCK_CHANGES.map(({ quartz }) => ({ next: [secondOf(quartz)] })),
  );
  for (const [index, { expression }] of taken.entries())
    assert.ok('next' in (answers[FRESH + changes.length + index] ?? {}), `Quartz refuses ${expression}`);
});

function secondOf(instant: string): number {
  return Date.parse(instant) / 1_000;
}

/** undefined = there is no Java, or no way to Quartz; the recorded answers are compared all the same. */
async function answersTo(questions: readonly Question[]): Promise<Answer[] | undefined> {
  try {
    return await askQuartz(questions, () => undefined);
  } catch (error) {
    if (!(error instanceof PartUnavailable)) throw error;
    console.log(`Quartz itself was not asked: ${error.message.replaceAll(/\s+/g, ' ').slice(0, 300)}`);
    return undefined;
  }
}
