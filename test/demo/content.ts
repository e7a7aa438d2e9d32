/** What the demo puts into its source: this project's own files, and generated ones that are large or oddly named. */

import { execFile } from 'node:child_process';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { seededBytes } from '../support/bkrepo/content.ts';
import type { FileSpec, RepositoryBuilder } from '../support/bkrepo/repository-builder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MIB = 1024 * 1024;
/** Sizes in bytes of the generated large files. */
const LARGE = [8 * MIB, 12 * MIB + 1, 16 * MIB, 24 * MIB + 4095, 32 * MIB, 48 * MIB, 64 * MIB];
export const CHANGED_FILE = '/project/README.md';

export async function fillSource(files: RepositoryBuilder, report: (line: string) => void): Promise<void> {
  let count = 0;
  async function* all(): AsyncGenerator<FileSpec> {
    for await (const file of demoFiles()) {
      count += 1;
      yield file;
    }
  }
  await files.putFiles(all());
  report(`filled the source with ${count} files`);
}

/** The small ones of the generated files alone. */
export async function fillSmallSource(files: RepositoryBuilder): Promise<void> {
  await files.putFiles(smallFiles());
}

/** Changes one file, as an upload over it would. */
export async function changeOneFile(files: RepositoryBuilder): Promise<void> {
  await files.putFile(CHANGED_FILE, `changed at ${new Date().toISOString()}\n`);
}

async function* demoFiles(): AsyncGenerator<FileSpec> {
  for (const name of await projectFiles()) {
    yield {
      path: `/project/${name}`,
      content: await readFile(path.join(ROOT, name)),
      metadata: [{ key: 'origin', value: 'project' }],
    };
  }
  for (const [index, size] of LARGE.entries()) {
    yield {
      path: `/large/image-${index + 1}.bin`,
      content: seededBytes(size, index + 1),
      metadata: [
        { key: 'build', value: index + 1 },
        { key: 'signed', value: index % 2 === 0 },
        { key: 'labels', value: ['nightly', 'linux'] },
      ],
    };
  }
  yield* smallFiles();
}

function* smallFiles(): Generator<FileSpec> {
  for (let index = 0; index < 120; index += 1) {
    yield {
      path: `/nested/${'abc'[index % 3]}/${index % 7}/deep/er/file ${index}.txt`,
      content: `file number ${index}\n`,
    };
  }
  yield { path: '/empty', content: '' };
  yield { path: '/发布/版本 1.0/说明 文档.txt', content: '中文内容\n', metadata: [{ key: '作者', value: '张三' }] };
  yield { path: '/odd names/a+b & 100% #1 (copy).txt', content: 'odd\n' };
  yield { path: '/twins/one', content: 'the same bytes\n' };
  yield { path: '/twins/two', content: 'the same bytes\n' };
}

/** The files of this project: what git knows, or what lies there when this is no checkout. */
async function projectFiles(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: ROOT, maxBuffer: 16 * MIB });
    const names = stdout.split('\0').filter((name) => name !== '');
    if (names.length > 0) return names;
  } catch {
    // Not a checkout, or no git: fall through to what lies there.
  }
  const names: string[] = [];
  for await (const name of glob('{src,crds,deploy,test}/**/*.{ts,yaml,json,md,cjs}', { cwd: ROOT })) names.push(name);
  return ['README.md', 'package.json', 'LICENSE', ...names.sort()];
}
