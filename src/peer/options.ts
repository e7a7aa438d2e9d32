import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

import type { Db } from 'mongodb';

import { type Clock, systemClock } from '../lib/clock.ts';
import { type LocalTime, localTime, zoneOf } from '../lib/local-time.ts';
import { DEFAULT_SHARD_COUNT, effectiveShardCount } from '../source/schema/sharding.ts';
import { type Logger, silentLogger } from '../telemetry/logger.ts';
import { type Defects, selectDefects } from './defects.ts';
import type { EventLogForm } from './event-entries.ts';

/** An account of the receiving side. A password may hold any character; an empty one is allowed. */
export interface PeerUser {
  readonly username: string;
  readonly password: string;
  /** May do everything; default false. */
  readonly admin?: boolean;
  /** Projects that an account which is not admin may read and write. */
  readonly projects?: readonly string[];
  /** `/project/repository/path` prefixes that this account, not being admin, may not read. */
  readonly hiddenPaths?: readonly string[];
}

export interface PeerOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string;
  /** 0 (the default) = one that is free. */
  readonly port?: number;
  /** The bk-repo database: a connection string (with `database`), or a handle that the caller closes. */
  readonly mongo: string | Db;
  /** Name of the database when `mongo` is a string; default `bkrepo`. */
  readonly database?: string;
  /** Root of the default file-system store: blobs lie in `aa/bb/<sha256>` below it, unfinished ones in `temp`. */
  readonly storePath: string;
  readonly users: readonly PeerUser[];
  /** Real servers' defects, as `selectDefects` says (defects.ts); default false. */
  readonly faithful?: boolean;
  /** Single defects, over `faithful`. */
  readonly defects?: Partial<Defects>;
  /** Answer of `/replica/version`; default `1.0.0`. */
  readonly version?: string;
  /** First segment of a relative Location; default `bkrepo`, as the one-process edition has it. */
  readonly applicationName?: string;
  /** Shards of node_N and file_reference_N; default 256. */
  readonly shardCount?: number;
  /** Zone of the dates on the wire: IANA name or `+08:00`; default UTC, with the defect `localZoneDates` +08:00. */
  readonly timeZone?: string;
  /** Milliseconds without a byte after which an upload is given up; default 60,000. */
  readonly stallTimeoutMs?: number;
  /** Milliseconds an idle connection stays open; default 360,000 (bk-repo's clients rely on more than five minutes). */
  readonly keepAliveTimeoutMs?: number;
  /** Milliseconds after its last chunk that an upload session is kept; default 12 hours. */
  readonly uploadExpiryMs?: number;
  /** Upload sessions at a time; default 1,000, more are answered 429. */
  readonly maxUploads?: number;
  /** The log of changes that a server of that generation writes; default none. */
  readonly eventLog?: EventLogForm | undefined;
  /** Bytes of the capped `operate_log` that is made when there is none; default 64 MiB. */
  readonly operateLogBytes?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** From 0 to less than 1. */
  readonly random?: () => number;
  /** Random lower-case hex of that many bytes. */
  readonly randomHex?: (bytes: number) => string;
  /** Opens a new file of the store for writing; replaced to inject a full disk. */
  readonly createFile?: (file: string) => Promise<FileHandle>;
}

/** {@link PeerOptions} with nothing left open. */
export interface PeerSettings {
  readonly host: string;
  readonly port: number;
  readonly storePath: string;
  readonly users: readonly PeerUser[];
  readonly defects: Defects;
  readonly version: string;
  readonly applicationName: string;
  readonly shardCount: number;
  readonly time: LocalTime;
  readonly stallTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly uploadExpiryMs: number;
  readonly maxUploads: number;
  readonly eventLog: EventLogForm | undefined;
  readonly operateLogBytes: number;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomHex: (bytes: number) => string;
  readonly createFile: (file: string) => Promise<FileHandle>;
}

/** Throws UnknownZoneError for a zone and RangeError for a shard count that does not exist. */
export function compileOptions(options: PeerOptions): PeerSettings {
  const defects = selectDefects(options.faithful ?? false, options.defects);
  const timeZone = options.timeZone ?? (defects.localZoneDates ? '+08:00' : 'UTC');
  return {
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    storePath: options.storePath,
    users: options.users,
    defects,
    version: options.version ?? '1.0.0',
    applicationName: options.applicationName ?? 'bkrepo',
    shardCount: effectiveShardCount(options.shardCount ?? DEFAULT_SHARD_COUNT),
    time: localTime(zoneOf(timeZone), defects.offsetIgnored ? 'ignored' : 'counts'),
    stallTimeoutMs: options.stallTimeoutMs ?? 60_000,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? 360_000,
    uploadExpiryMs: options.uploadExpiryMs ?? 12 * 3_600_000,
    maxUploads: options.maxUploads ?? 1000,
    eventLog: options.eventLog,
    operateLogBytes: options.operateLogBytes ?? 64 << 20,
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    randomHex: options.randomHex ?? ((bytes) => randomBytes(bytes).toString('hex')),
    createFile: options.createFile ?? ((file) => open(file, 'wx')),
  };
}
