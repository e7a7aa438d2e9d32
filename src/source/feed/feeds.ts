/** The feeds of one source: each is opened once, however many ask for it, and has one reader for all who are near its end. */
import type { ChangeFeed, FeedFinder } from '../../engine/ports/feed.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { SourceDatabase } from '../database/database.ts';
import type { FeedOptions } from '../options.ts';
import { openChangeStream } from './change-stream.ts';
import { openEventLog } from './eventlog.ts';
import { Finder } from './finder.ts';
import { openOplog } from './oplog.ts';
import { OPLOG_NAMES } from './oplog-inspect.ts';
import { onlySameKnown } from './ordered-feed.ts';
import { shareFeed } from './shared-feed.ts';

const DEFAULT_HOURS = 24;

export function createFeeds(
  database: SourceDatabase,
  { operateLog, operateLogHours = DEFAULT_HOURS, convertOperateLog = false }: FeedOptions,
  clock: Clock,
  logger: Logger,
): FeedFinder {
  const changeStream = openChangeStream(database);
  const shared = new Map<string, ChangeFeed>();

  function once(name: string, open: () => ChangeFeed): ChangeFeed {
    const feed = shared.get(name) ?? open();
    shared.set(name, feed);
    return feed;
  }

  return new Finder({
    database,
    oplog: { names: operateLog === undefined ? OPLOG_NAMES : [operateLog], hours: operateLogHours },
    convert: convertOperateLog,
    logger,
    feeds: {
      changeStream: () => once('changeStream', () => shareFeed(changeStream)),
      oplog: (collection) =>
        once(`oplog ${collection}`, () => shareFeed(onlySameKnown(openOplog(database, { collection, clock })))),
      eventlog: () => once('eventlog', () => shareFeed(openEventLog(database, { clock, logger }))),
    },
  });
}
