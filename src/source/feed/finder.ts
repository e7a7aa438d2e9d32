/**
 * Finds the feed of a source: the one that was asked for, or the best that is there and alive. Only looks, except that an
 * operation log is converted when that was asked for.
 *
 * What is alive: a log has an entry that is no older than the newest node of the source, or little. So a log on a quiet
 * source is, and one that bk-repo does not write any more is not. A log that looks alive and leaves things out is found out
 * by the compare of those who follow it (`silent`).
 */
import { CONVERT_OPERATE_LOG_ANNOTATION } from '../../api/names.ts';
import { classify } from '../../domain/errors.ts';
import type { ChangeFeed, FeedFinder, FeedKind, FeedRequest, FeedVerdict } from '../../engine/ports/feed.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { SourceDatabase } from '../database/database.ts';
import { lookAtChangeStream } from './change-stream-look.ts';
import { lookAtEventLog } from './eventlog-look.ts';
import { newestNode } from './newest-node.ts';
import { convertOplog } from './oplog-convert.ts';
import { inspectOplog, type OplogQuestion, type OplogReport } from './oplog-inspect.ts';

/** bk-repo makes some nodes by itself, for which no log has an entry: indexes a while after a publication. */
const QUIET_MS = 600_000;

const BEST_FIRST: readonly FeedKind[] = ['changeStream', 'oplog', 'eventlog'];

const WORDS: Readonly<Record<FeedKind, string>> = {
  changeStream: "MongoDB's change stream",
  oplog: 'the operation log',
  eventlog: 'the event log',
};

export interface FinderOptions {
  readonly database: SourceDatabase;
  readonly oplog: OplogQuestion;
  /** Whatever the request says. */
  readonly convert: boolean;
  readonly feeds: {
    changeStream(): ChangeFeed;
    oplog(collection: string): ChangeFeed;
    eventlog(): ChangeFeed;
  };
  readonly logger: Logger;
}

/** What is the matter with a kind of feed. */
interface Look extends FeedVerdict {
  /** Of a log: when its newest entry was made; absent when it is empty. */
  readonly newest?: Date;
}

export class Finder implements FeedFinder {
  readonly #options: FinderOptions;

  constructor(options: FinderOptions) {
    this.#options = options;
  }

  async find({ choice, silent, convert }: FeedRequest, signal: AbortSignal): Promise<FeedVerdict> {
    const mayConvert = convert || this.#options.convert;
    if (choice === 'auto') return await this.#best(new Set(silent), mayConvert, signal);
    return verdictOf(await this.#look(choice, () => Promise.resolve(mayConvert), signal));
  }

  async #best(silent: ReadonlySet<FeedKind>, mayConvert: boolean, signal: AbortSignal): Promise<FeedVerdict> {
    const refused: FeedVerdict[] = [];
    let newest: Promise<Date | undefined> | undefined;
    const isAlive = async (entry: Date | undefined): Promise<boolean> => {
      newest ??= newestNode(this.#options.database, signal);
      const node = (await newest)?.getTime();
      return node === undefined || (entry !== undefined && node - entry.getTime() <= QUIET_MS);
    };
    for (const kind of BEST_FIRST) {
      if (silent.has(kind)) {
        refused.push({ reason: 'FeedSilent', message: `${WORDS[kind]} told nothing while the source changed` });
        continue;
      }
      const look = await this.#look(kind, async (entry) => mayConvert && (await isAlive(entry)), signal);
      if (look.feed === undefined) refused.push(look);
      else if (kind === 'changeStream' || (await isAlive(look.newest))) return chosen(look, refused);
      else refused.push({ reason: 'FeedSilent', message: await dead(look, newest) });
    }
    const uncapped = refused.find(({ reason }) => reason === 'OperateLogNotCapped');
    const message = `the source has no feed of changes that can be followed: ${allWords(refused)}`;
    return { reason: uncapped?.reason ?? 'NoFeed', message: uncapped === undefined ? message : uncapped.message };
  }

  /** `mayConvert` is asked about an operation log that is not capped, with the time of its newest entry. */
  async #look(
    kind: FeedKind,
    mayConvert: (newest: Date | undefined) => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<Look> {
    switch (kind) {
      case 'changeStream':
        return await this.#changeStream(signal);
      case 'oplog':
        return await this.#oplog(mayConvert, signal);
      case 'eventlog':
        return await this.#eventlog(signal);
    }
  }

  async #changeStream(signal: AbortSignal): Promise<Look> {
    const { database, feeds } = this.#options;
    const feed = feeds.changeStream();
    const { usable, ...verdict } = await lookAtChangeStream(database, feed, signal);
    return usable ? { ...verdict, feed } : verdict;
  }

  async #oplog(mayConvert: (newest: Date | undefined) => Promise<boolean>, signal: AbortSignal): Promise<Look> {
    const { database, oplog, feeds, logger } = this.#options;
    let report = await inspectOplog(database, oplog, signal);
    if (report === undefined) {
      const message = `there is no operation log: ${database.name} has no collection ${oplog.names.join(' or ')}`;
      return { reason: 'NoFeed', message };
    }
    if (!report.capped && (await mayConvert(report.newest)))
      try {
        report = await convertOplog(database, oplog, logger, signal);
      } catch (error) {
        signal.throwIfAborted();
        const { errorClass, message } = classify(error);
        if (errorClass === 'retryable') throw error;
        return { reason: 'OperateLogNotCapped', message };
      }
    if (!report.capped) return { reason: 'OperateLogNotCapped', message: notCapped(report) };
    const { name, newest, capacity, warning } = report;
    return {
      feed: feeds.oplog(name),
      reason: 'OperateLog',
      message: `${WORDS.oplog} "${name}" is there, ${ageWords(newest)}`,
      capacity,
      ...(warning === undefined ? {} : { warning }),
      ...(newest === undefined ? {} : { newest }),
    };
  }

  async #eventlog(signal: AbortSignal): Promise<Look> {
    const { database, feeds } = this.#options;
    const look = await lookAtEventLog(database, signal);
    if (look === undefined) {
      const message = `there is no event log: ${database.name} has no collection artifact_oplog or artifact_oplog_YYYYMM`;
      return { reason: 'NoFeed', message };
    }
    const { name, newest } = look;
    return {
      feed: feeds.eventlog(),
      reason: 'EventLog',
      message: `${WORDS.eventlog} "${name}" is there, ${ageWords(newest)}`,
      ...(newest === undefined ? {} : { newest }),
    };
  }
}

/** Why it was taken, and why no better one. */
function chosen(look: Look, refused: readonly FeedVerdict[]): FeedVerdict {
  if (refused.length === 0) return verdictOf(look);
  return verdictOf({ ...look, message: `${look.message}; ${allWords(refused)}` });
}

function verdictOf({ newest: _newest, ...verdict }: Look): FeedVerdict {
  return verdict;
}

async function dead({ message }: Look, newest: Promise<Date | undefined> | undefined): Promise<string> {
  return `${message}, although the source made its newest file or folder at ${(await newest)?.toISOString()}`;
}

function notCapped({ name, command, discards }: OplogReport): string {
  return `the operation log "${name}" is not capped, so it cannot be followed. In the MongoDB shell, in the database of bk-repo: ${command}. ${discards} The annotation ${CONVERT_OPERATE_LOG_ANNOTATION}: "true", or source.feed.convertOperateLog in the configuration, lets the operator do it.`;
}

function ageWords(newest: Date | undefined): string {
  return newest === undefined ? 'and empty' : `its newest entry is of ${newest.toISOString()}`;
}

function allWords(verdicts: readonly FeedVerdict[]): string {
  return verdicts.map(({ message }) => message).join('; ');
}
