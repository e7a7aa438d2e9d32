import { seededRandom } from '../seed.ts';
import { randomQuestion } from './expressions.ts';
import { askQuartz } from './quartz.ts';
import { writeRecorded } from './recorded.ts';

/*
 * `npm run record:quartz [-- SEED]`: asks Quartz about random expressions and keeps its answers in
 * answers.json.gz. Needs Java and Maven; to be run when expressions.ts asks something new or another Quartz decides.
 */

const QUESTIONS = 4_000;

const random = seededRandom(Number(process.argv[2] ?? 2026));
const questions = Array.from({ length: QUESTIONS }, () => randomQuestion(random));
const answers = await askQuartz(questions, (line) => void process.stderr.write(`${line}\n`));
// What makes Quartz fail or circle is no answer to compare with.
const asked = questions.flatMap((question, index) => {
  const answer = answers[index];
  return answer === undefined || ('next' in answer && answer.next.includes('failed')) ? [] : [{ question, answer }];
});
process.stdout.write(`${asked.length} answers, ${await writeRecorded(asked)} bytes\n`);
