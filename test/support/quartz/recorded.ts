/** Answers of Quartz that are kept, for machines without Java: one line of JSON for each question, gzipped. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Answer, Question } from './quartz.ts';

export interface Asked {
  readonly question: Question;
  readonly answer: Answer;
}

const FILE = join(import.meta.dirname, 'answers.json.gz');

export async function readRecorded(): Promise<Asked[]> {
  const lines = gunzipSync(await readFile(FILE))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line): Asked => {
    const [zone, expression, after, told] = JSON.parse(line);
    return {
      question: { zone, expression, after },
      answer: typeof told === 'string' ? { refused: told } : { next: told },
    };
  });
}

export async function writeRecorded(asked: readonly Asked[]): Promise<number> {
  const lines = asked.map(({ question: { zone, expression, after }, answer }) =>
    JSON.stringify([zone, expression, after, 'refused' in answer ? answer.refused : answer.next]),
  );
  const packed = gzipSync(`${lines.join('\n')}\n`, { level: 9 });
  await writeFile(FILE, packed);
  return packed.length;
}
