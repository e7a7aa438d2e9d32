/** Manifests and open stores for the tests of the directory mode. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Cluster } from '../../../src/api/cluster.gen.ts';
import { compileAdmission } from '../../../src/api/validate.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import {
  type DirectoryStore,
  type DirectoryStoreOptions,
  openDirectoryStore,
} from '../../../src/resources/directory-store.ts';
import type { LogFields, Logger } from '../../../src/telemetry/logger.ts';
import { type AfterHook, tempDirFor } from '../../support/tempdir.ts';

export const never = new AbortController().signal;
export const KEY = { namespace: 'default', name: 'edge-a' };

const admit = compileAdmission();

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly fields: LogFields;
}

export function recordingLogger(lines: LogLine[]): Logger {
  const at =
    (level: string) =>
    (msg: string, fields: LogFields = {}): void => {
      lines.push({ level, msg, fields });
    };
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

export interface Bench {
  readonly dir: string;
  readonly stateDir: string;
  readonly log: LogLine[];
  readonly put: (file: string, text: string) => Promise<void>;
  /** Opens a store; a store opened before is closed first. */
  readonly open: (changes?: Partial<DirectoryStoreOptions>) => Promise<DirectoryStore>;
}

export async function bench(test: AfterHook): Promise<Bench> {
  const root = await tempDirFor(test, 'resources');
  const dir = join(root, 'in');
  const stateDir = join(root, 'state');
  await mkdir(dir);
  const log: LogLine[] = [];
  let store: DirectoryStore | undefined;
  test.after(async () => store?.close());
  return {
    dir,
    stateDir,
    log,
    put: (file, text) => putFile(join(dir, file), text),
    open: async (changes = {}) => {
      await store?.close();
      store = await openDirectoryStore(
        {
          dir,
          stateDir,
          admit,
          defaultNamespace: 'default',
          namespaces: [],
          clock: systemClock,
          logger: recordingLogger(log),
          ...changes,
        },
        never,
      );
      return store;
    },
  };
}

export async function putFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

export function clusterYaml(
  name = 'edge-a',
  changes: { url?: string; namespace?: string; extra?: string } = {},
): string {
  const { url = 'http://127.0.0.1:1/replication', namespace, extra = '' } = changes;
  return `apiVersion: replication.bkrepo.io/v1alpha1
kind: Cluster
metadata:
  name: ${name}
${namespace === undefined ? '' : `  namespace: ${namespace}\n`}${extra}spec:
  type: STANDALONE
  url: ${url}
`;
}

export function present(store: DirectoryStore, name = 'edge-a'): Cluster {
  const cluster = store.get('Cluster', { namespace: 'default', name });
  if (cluster === undefined) throw new Error(`there is no Cluster ${name}`);
  return cluster;
}
