/** The same controllers without Kubernetes, over a directory of YAML files and a directory of state (design §8). */
import { compileAdmission } from '../api/validate.ts';
import { ConfigError } from '../config.ts';
import { openDirectoryStore } from '../resources/directory-store.ts';
import { Manager } from '../runtime/manager.ts';
import { type Ambience, openInstallation } from './installation.ts';
import { serveHealth } from './probes.ts';

/** Where objects without a namespace live. */
const DEFAULT_NAMESPACE = 'default';

/** Until `stop` is aborted and all has ended in good order. */
export async function runStandalone(ambience: Ambience, stop: AbortSignal): Promise<void> {
  const { config, clock, logger } = ambience;
  const { dir, state, rescanSeconds } = config.standalone;
  if (dir === undefined) throw new ConfigError(['standalone.dir (--dir) is required']);
  if (state === undefined) throw new ConfigError(['standalone.state (--state) is required']);
  const ownNamespace = config.namespace ?? DEFAULT_NAMESPACE;
  const store = await openDirectoryStore(
    {
      admit: compileAdmission(),
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
  const starting = { name: 'starting', check: () => (manager === undefined ? 'waiting for the journal' : undefined) };
  const managed = { name: 'manager', check: () => manager?.readyCheck().check() };
  const endHealth = await serveHealth({
    settings: config.probes,
    defaultPort: undefined,
    live: [],
    ready: [starting, managed],
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
      runs: installation.runs,
      clock,
      logger,
      graceMs: config.shutdown.graceSeconds * 1_000,
    });
    try {
      await manager.run(stop);
    } finally {
      await installation.close();
    }
  } finally {
    await endHealth();
    await closeStore();
  }
}
