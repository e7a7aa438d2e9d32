/** The demo without Kubernetes: a directory of YAML, and the program in standalone mode on it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { RUN_REQUESTED_ANNOTATION } from '../../src/api/names.ts';
import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { loadState, objectId } from '../../src/resources/state-files.ts';
import { type Program, startProgram } from '../support/program.ts';
import { viewOf } from './resource-view.ts';
import { type Stage, type StageOptions, TASKS } from './stage.ts';

export function standaloneStage({ directory, config, report }: StageOptions): Stage {
  const input = path.join(directory, 'manifests');
  const state = path.join(directory, 'state');
  const file = path.join(input, 'demo.yaml');
  let program: Program | undefined;
  return {
    async apply(manifests) {
      await mkdir(input, { recursive: true });
      await writeFile(file, manifests);
      program = await startProgram({
        command: 'standalone',
        args: ['--dir', input, '--state', state],
        config,
        directory,
      });
      report(`started bkrepo-replicator standalone --dir ${input} --state ${state}`);
    },
    async tasks() {
      const { objects } = await loadState(state);
      const tasks = TASKS.map((name) => objects.get(objectId('ReplicaTask', 'default', name))?.object);
      return tasks.includes(undefined) ? [] : (tasks as ReplicaTask[]).map(viewOf);
    },
    async requestRun() {
      const documents = parseAllDocuments(await readFile(file, 'utf8'));
      for (const document of documents) {
        if (document.get('kind') === 'ReplicaTask')
          document.setIn(['metadata', 'annotations', RUN_REQUESTED_ANNOTATION], 'again');
      }
      await writeFile(`${file}.new`, documents.map(String).join(''));
      await rename(`${file}.new`, file);
    },
    async show() {
      return program?.output ?? '';
    },
    addresses: () => [`manifests: ${input}`, `state: ${state}`, `probes: http://127.0.0.1:${program?.port ?? 0}`],
    async stop() {
      await program?.signal('SIGTERM');
    },
  };
}
