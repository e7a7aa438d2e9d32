/** The measured program in standalone mode on one Cluster and one ReplicaTask, and the records of its runs. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Db } from 'mongodb';
import { stringify } from 'yaml';
import { RUN_REQUESTED_ANNOTATION } from '../../src/api/names.ts';
import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { loadState, objectId } from '../../src/resources/state-files.ts';
import { type Program, startProgram } from '../support/program.ts';
import { eventually } from '../support/wait.ts';

export interface SubjectOptions {
  readonly directory: string;
  readonly config: object;
  /** The journal's database. */
  readonly journal: Db;
  readonly cluster: { readonly url: string; readonly username: string; readonly password: string };
  /** Of the ReplicaTask, but for clusters and setting. */
  readonly task: object;
  readonly report: (line: string) => void;
}

/** A finished run, as its record in the journal and the program's log tell. */
export interface Run {
  readonly status: string;
  readonly errorReason: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly sentBytes: number;
  readonly seconds: number;
  /** To the far side. */
  readonly requests: number;
}

interface StoredRun {
  readonly status: string;
  readonly errorReason: string | null;
  readonly startTime: Date;
  readonly endTime: Date | null;
  readonly replicatedBytes: number;
  readonly totalBytes: number;
  readonly replicaOverview: Readonly<Record<'success' | 'failed' | 'conflict' | 'unchanged' | 'notTried', number>>;
}

const NAME = 'bench';
const API_VERSION = 'replication.bkrepo.io/v1alpha1';
const RUN_TIMEOUT = 3 * 3_600_000;
const REPORT_INTERVAL = 10_000;

export class Subject {
  readonly program: Program;
  readonly #options: SubjectOptions;
  readonly #state: string;
  readonly #input: string;
  #runs = 0;

  private constructor(options: SubjectOptions, program: Program, input: string, state: string) {
    this.#options = options;
    this.program = program;
    this.#input = input;
    this.#state = state;
  }

  /** Starts the program with nothing to do. */
  static async start(options: SubjectOptions): Promise<Subject> {
    const input = path.join(options.directory, 'manifests');
    const state = path.join(options.directory, 'state');
    await mkdir(input);
    const program = await startProgram({
      command: 'standalone',
      args: ['--dir', input, '--state', state],
      config: { ...options.config, log: { format: 'json' } },
      directory: options.directory,
    });
    return new Subject(options, program, input, state);
  }

  /** The first call applies the resources, later ones ask for another run. */
  async run(): Promise<Run> {
    this.#runs += 1;
    const file = path.join(this.#input, 'bench.yaml');
    await writeFile(`${file}.new`, this.#manifests());
    await rename(`${file}.new`, file);
    const stored = await this.#finished();
    const requests = await eventually(() => this.#requests(), { timeoutMs: 30_000 });
    const { success, failed, conflict, unchanged, notTried } = stored.replicaOverview;
    return {
      status: stored.status,
      errorReason: stored.errorReason,
      files: success + failed + conflict + unchanged + notTried,
      bytes: stored.totalBytes,
      sentBytes: stored.replicatedBytes,
      seconds: ((stored.endTime ?? stored.startTime).getTime() - stored.startTime.getTime()) / 1_000,
      requests,
    };
  }

  #manifests(): string {
    const { cluster, task } = this.#options;
    const { url, username, password } = cluster;
    const annotations = this.#runs === 1 ? {} : { [RUN_REQUESTED_ANNOTATION]: String(this.#runs) };
    const documents: object[] = [
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: NAME }, stringData: { username, password } },
      {
        apiVersion: API_VERSION,
        kind: 'Cluster',
        metadata: { name: NAME },
        spec: { type: 'STANDALONE', url, credentialsSecretRef: { name: NAME } },
      },
      {
        apiVersion: API_VERSION,
        kind: 'ReplicaTask',
        metadata: { name: NAME, annotations },
        spec: { ...task, remoteClusterIds: [NAME], setting: { executionPlan: { executeImmediately: true } } },
      },
    ];
    return documents.map((document) => stringify(document)).join('---\n');
  }

  async #finished(): Promise<StoredRun> {
    const records = this.#options.journal.collection<StoredRun>('replica_record');
    let reportedAt = performance.now();
    return eventually(
      async () => {
        if (performance.now() - reportedAt >= REPORT_INTERVAL) {
          reportedAt = performance.now();
          this.#options.report(await this.#progress());
        }
        const finished = await records
          .find({ status: { $ne: 'RUNNING' } })
          .sort({ startTime: 1 })
          .toArray();
        const found = finished[this.#runs - 1];
        if (found === undefined && !this.program.running)
          return { ended: `the program ended:\n${this.program.output.slice(-3_000)}` };
        return found;
      },
      { timeoutMs: RUN_TIMEOUT, intervalMs: 500 },
    ).then((result) => {
      if ('ended' in result) throw new Error(result.ended);
      return result;
    });
  }

  /** Each run says at its end how many requests it sent to the far side. */
  #requests(): number | undefined {
    const counts = this.program.output
      .split('\n')
      .filter((line) => line.includes('"far side closed"'))
      .map((line) => (JSON.parse(line) as { readonly requests: number }).requests);
    return counts.length < this.#runs ? undefined : counts.at(-1);
  }

  async #progress(): Promise<string> {
    const { objects } = await loadState(this.#state);
    const task = objects.get(objectId('ReplicaTask', 'default', NAME))?.object as ReplicaTask | undefined;
    const { progress, conditions } = task?.status ?? {};
    if (progress !== undefined) return `  ${progress.done} files done, ${progress.sentBytes} bytes sent`;
    const ready = conditions?.find(({ type }) => type === 'Ready');
    return `  no run yet: ${ready?.reason ?? 'not seen'} ${ready?.message ?? ''}`;
  }
}
