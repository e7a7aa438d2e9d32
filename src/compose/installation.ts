/** What operator and standalone mode have in common: source, journal, far sides, and the controllers over a store. */
import type { Config } from '../config.ts';
import { ConfigError } from '../config.ts';
import { clusterReconciler } from '../controllers/cluster/reconcile.ts';
import { taskReconciler } from '../controllers/replica-task/reconcile.ts';
import { taskSweeper } from '../controllers/replica-task/sweeper.ts';
import { Wiring } from '../controllers/wiring.ts';
import { classify } from '../domain/errors.ts';
import { effectivePolicy } from '../domain/policy.ts';
import type { AnnotateHint } from '../domain/retry-hint.ts';
import { checkTimeZone, ScheduleError } from '../domain/schedule/schedule.ts';
import type { Scope } from '../domain/scope.ts';
import { Lanes } from '../engine/pacing/lane.ts';
import { type Journal, openJournal } from '../journal/journal.ts';
import { backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { KeyedLock } from '../lib/keyed-lock.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { ManagedController } from '../runtime/manager.ts';
import { createBkRepoSource } from '../source/bkrepo-source.ts';
import type { BkRepoSourceOptions, FeedOptions, PullOptions, StorageOptions } from '../source/options.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createFarSides } from './far-sides.ts';
import { readText, requiredSecret, secretValue } from './secrets.ts';

export interface Ambience {
  readonly config: Config;
  readonly version: string;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

export interface InstallationOptions extends Ambience {
  readonly store: ResourceStore;
  readonly ownNamespace: string;
  readonly apiServers: readonly string[];
  readonly mayStart: () => void;
  /** How a person sets an annotation in this mode. */
  readonly annotateHint: AnnotateHint;
}

export interface Installation {
  readonly controllers: readonly ManagedController[];
  readonly runs: Pick<Wiring, 'stopAll'>;
  /** Closed by `close`. */
  readonly journal: Journal;
  close(): Promise<void>;
}

export function scopeOf(config: Config): Scope {
  return { watchNamespaces: config.watchNamespaces, instance: config.instance };
}

/** Waits for the journal's database until `stop` is aborted; an unreachable source is waited for by the tasks. */
export async function openInstallation(options: InstallationOptions, stop: AbortSignal): Promise<Installation> {
  const { config, store, clock, random, logger } = options;
  const installationId = config.installationId ?? config.instance ?? 'default';
  checkDefaultZone(config.schedule.timeZone);
  const source = createBkRepoSource(sourceOptions(options));
  let journal: Journal;
  try {
    journal = await openPatiently(options, installationId, stop);
  } catch (error) {
    await source.close();
    throw error;
  }
  const scope = scopeOf(config);
  const policy = effectivePolicy(config.policy.rules, options.ownNamespace);
  const farSides = createFarSides({
    policy,
    settings: config.policy,
    apiServers: options.apiServers,
    mayStart: options.mayStart,
    userAgent: `bkrepo-replicator/${options.version}`,
    logger,
    clock,
  });
  const wiring = new Wiring({ store, clock, random, logger });
  const common = { store, farSides, scope, installationId, clock, random };
  const controllers = wiring.controllers(
    clusterReconciler(common),
    taskReconciler({
      ...common,
      policy,
      source,
      journal,
      registry: wiring.registry,
      followers: wiring.followers,
      feeds: source.feeds,
      limits: limitsOf(config),
      locks: new KeyedLock(),
      schedule: config.schedule,
      annotateHint: options.annotateHint,
      rush: wiring.rush,
      lanes: new Lanes({ clock, requests: config.engine.concurrency }),
      drainMs: config.engine.drainSeconds * 1_000,
    }),
  );
  return {
    controllers: [
      ...controllers,
      taskSweeper({ store, journal, maxRunsPerTask: config.records.maxRunsPerTask, clock, logger }),
    ],
    runs: wiring,
    journal,
    close: async () => void (await Promise.allSettled([journal.close(), source.close()])),
  };
}

function checkDefaultZone(timeZone: string): void {
  try {
    checkTimeZone(timeZone);
  } catch (error) {
    if (error instanceof ScheduleError) throw new ConfigError([`schedule.timeZone: ${error.message}`]);
    throw error;
  }
}

async function openPatiently(
  { config, clock, random, logger }: Ambience,
  installationId: string,
  stop: AbortSignal,
): Promise<Journal> {
  const { uri, uriFile, database } = config.journal.mongodb;
  const options = { uri: requiredSecret('journal.mongodb.uri', uri, uriFile), database, installationId, clock, logger };
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await openJournal(options, stop);
    } catch (error) {
      stop.throwIfAborted();
      if (classify(error).errorClass !== 'retryable') throw error;
      logger.warn('the journal is not reachable, waiting for it', { error });
      await clock.sleep(backoffDelay({ base: 1_000, cap: 15_000 }, attempt, random), stop);
    }
  }
}

function limitsOf({ engine }: Config): {
  readonly patience: number;
  readonly attempts: number;
  readonly backoff: { readonly base: number; readonly cap: number };
  readonly pageSize: number;
  readonly settleSize: number;
} {
  return {
    patience: engine.patienceSeconds * 1_000,
    attempts: engine.attempts,
    backoff: { base: engine.backoffBaseMs, cap: engine.backoffCapMs },
    pageSize: engine.pageSize,
    settleSize: engine.settleSize,
  };
}

/** @throws {ConfigError} what is required and missing */
export function sourceOptions({
  config,
  clock,
  logger,
}: Pick<Ambience, 'config' | 'clock' | 'logger'>): BkRepoSourceOptions {
  const { mongodb, pathMap, feed } = config.source;
  const storage = storageOf(config.source.storage);
  const pull = pullOf(config.source.http);
  if (storage === undefined && pull === undefined)
    throw new ConfigError(['source.storage.filesystem, source.storage.s3 or source.http is required: where blobs are']);
  return {
    uri: requiredSecret('source.mongodb.uri', mongodb.uri, mongodb.uriFile),
    database: mongodb.database,
    shardCount: mongodb.shardCount,
    ...(storage === undefined ? {} : { storage }),
    ...(pull === undefined ? {} : { pull }),
    pathMap,
    feed: feedOf(feed),
    clock,
    logger,
  };
}

function feedOf({ operateLog, ...feed }: Config['source']['feed']): FeedOptions {
  return { ...feed, ...(operateLog === undefined ? {} : { operateLog }) };
}

function storageOf({ filesystem, s3 }: Config['source']['storage']): StorageOptions | undefined {
  if (filesystem !== undefined) {
    const { path, cachePath } = filesystem;
    return { type: 'filesystem', path, ...(cachePath === undefined ? {} : { cachePath }) };
  }
  if (s3 === undefined) return undefined;
  const { endpoint, region, bucket, accessKey, cachePath } = s3;
  const secretKey = requiredSecret('source.storage.s3.secretKey', s3.secretKey, s3.secretKeyFile);
  return {
    type: 's3',
    endpoint,
    region,
    bucket,
    accessKey,
    secretKey,
    ...(cachePath === undefined ? {} : { cachePath }),
  };
}

function pullOf(http: Config['source']['http']): PullOptions | undefined {
  if (http === undefined) return undefined;
  const { url, username, caFile } = http;
  const password = secretValue('source.http.password', http.password, http.passwordFile) ?? '';
  return { url, username, password, ...(caFile === undefined ? {} : { ca: readText('source.http.caFile', caFile) }) };
}
