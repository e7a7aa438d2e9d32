import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

/** A store or cache as bk-repo configures it (contract §6.1, §6.2), as far as it can be read directly. */
export type StorageOptions = FilesystemStorage | S3Storage;

interface FilesystemStorage {
  readonly type: 'filesystem';
  /** Root of the store: blobs lie at `<path>/aa/bb/<sha256>`. */
  readonly path: string;
  /** Root of the local cache, of the same layout; it is looked through before the store. */
  readonly cachePath?: string;
}

export interface S3Storage {
  readonly type: 's3';
  /** URL, or a host name (then https). */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly cachePath?: string;
}

/** The source's own replication service, which can read any backend, also encrypted ones. */
export interface PullOptions {
  /** As a cluster url: `https://host[:port]/replication`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** PEM of a private certificate authority. */
  readonly ca?: string;
}

/** A directory named by the source's configuration, and where it is mounted here. */
export interface PathMapping {
  readonly from: string;
  readonly to: string;
}

/** How the source is followed. */
export interface FeedOptions {
  /** Collection of the operation log; default: whichever is there of those that bk-repo writes. */
  readonly operateLog?: string;
  /** Whether an operation log that is not capped is converted, also without being asked for. Default false. */
  readonly convertOperateLog?: boolean;
  /** History that an operation log shall hold; default 24. */
  readonly operateLogHours?: number;
}

export interface BkRepoSourceOptions {
  /** MongoDB connection string of an account that needs nothing but the role `read`. */
  readonly uri: string;
  /** Default `bkrepo`. */
  readonly database?: string;
  /** bk-repo's `sharding.count`; default 256, rounded up to a power of two as bk-repo does it. */
  readonly shardCount?: number;
  /** The default storage, bk-repo's `storage.*`. Absent = blobs without a credentials key come by `pull` only. */
  readonly storage?: StorageOptions;
  readonly pull?: PullOptions;
  /** The longest matching `from` wins; applied to every path of a store or cache. */
  readonly pathMap?: readonly PathMapping[];
  readonly feed?: FeedOptions;
  /** Milliseconds the database may take for one query; default 30,000. */
  readonly maxTimeMs?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}
