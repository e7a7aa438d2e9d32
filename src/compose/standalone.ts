/** The same controllers without Kubernetes, over a directory of YAML files and a directory of state (design §8). */
import { type Admit, compileAdmission } from '../api/validate.ts';
import { ConfigError } from '../config.ts';
import { type DirectoryStore, openDirectoryStore } from '../resources/directory-store.ts';
import type { RecordReader } from '../rest/context.ts';
import { Manager } from '../runtime/manager.ts';
import { type Ambience, openInstallation } from './installation.ts';
import { serveHealth } from './probes.ts';
import type { RestPart } from './rest.ts';
import { checkRestConfig } from './rest-config.ts';
import { stopTogether } from './stop-together.ts';

/** Where objects without a namespace live. */
const DEFAULT_NAMESPACE = 'default';

/** Until `stop` is aborted and all has ended in good order. */
export async function runStandalone(ambience: Ambience, stop: AbortSignal): Promise<void> {
  const { config, clock, logger } = ambience;
  const { dir, state, rescanSeconds } = config.standalone;
  if (dir === undefined) throw new ConfigError(['standalone.dir (--dir) is required']);
  if (state === undefined) throw new ConfigError(['standalone.state (--state) is required']);
  const ownNamespace = config.namespace ?? DEFAULT_NAMESPACE;
  checkRestConfig(config, ownNamespace, false);
  const admit = compileAdmission();
  const store = await openDirectoryStore(
    {
      admit,
      defaultNamespace: ownNamespace,
      namespaces: config.watchNamespaces,
      ...(config.instance === undefined ? {} : { instance: config.instance }),
      dir,
      stateDir: state,
      clock,
      logger,
      rescanMs: rescanSeconds * 1_000,
    },
    stop,
  );
  let closing: Promise<void> | undefined;
  const closeStore = (): Promise<void> => (closing ??= store.close());
  let synced = false;
  let manager: Manager | undefined;
  let rest: RestPart | undefined;
  const starting = { name: 'starting', check: () => (manager === undefined ? 'waiting for the journal' : undefined) };
  const managed = { name: 'manager', check: () => manager?.readyCheck().check() };
  const endHealth = await serveHealth({
    settings: config.probes,
    defaultPort: undefined,
    live: [],
    ready: [starting, managed, { name: 'rest', check: () => rest?.ready.check() }],
    clock,
    logger,
  }).catch(async (error: unknown) => {
    await closeStore();
    throw error;
  });
  try {
    const mayStart = (): void => {};
    const installation = await openInstallation(
      { ...ambience, store, ownNamespace, apiServers: [], mayStart, annotateHint: 'file' },
      stop,
    );
    try {
      rest = await openRest({ ...ambience, store, records: installation.journal, ownNamespace, admit });
      manager = new Manager({
        caches: [
          {
            name: 'directory',
            run: (signal) => store.run(signal),
            waitForSync: async (signal) => {
              await store.ready(signal);
              synced = true;
            },
            hasSynced: () => synced,
          },
        ],
        controllers: installation.controllers,
        tasks: rest === undefined ? [] : [rest.task],
        runs: stopTogether(installation.runs, rest),
        clock,
        logger,
        graceMs: config.shutdown.graceSeconds * 1_000,
      });
      await manager.run(stop);
    } finally {
      await installation.close();
    }
  } finally {
    await endHealth();
    await closeStore();
  }
}

interface StandaloneRestOptions extends Ambience {
  readonly store: DirectoryStore;
  readonly records: RecordReader;
  readonly ownNamespace: string;
  readonly admit: Admit;
}

/** Loaded only where it is served. Without an API server to ask, callers are those of the users file. */
async function openRest(options: StandaloneRestOptions): Promise<RestPart | undefined> {
  const { config, clock, logger, store } = options;
  if (!config.rest.enabled) return undefined;
  const [{ createRestPart }, { openRestAuthenticator }] = await Promise.all([
    import('./rest.ts'),
    import('./rest-authenticator.ts'),
  ]);
  return createRestPart({
    ...options,
    editor: store.editor,
    apiServers: [],
    openAuthenticator: async (signal) =>
      await openRestAuthenticator({ config, review: undefined, clock, logger }, signal),
  });
}
