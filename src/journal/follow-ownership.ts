/** What a task that follows its source may delete at far sides. */
import type { Filter } from 'mongodb';

import type { FollowJournal, OwnedFile, OwnedScope } from '../engine/ports/follow-journal.ts';
import { checked, type OwnedDocument } from './documents.ts';
import { OWNED_INDEXES } from './indexes.ts';
import { call } from './mongo-errors.ts';
import type { OwnFollow } from './own-follow.ts';
import { batches } from './own-run.ts';
import { placeOf } from './run-ownership.ts';

const MAX_PAGE = 10_000;
/** As many are counted in a moment; a greater number is remembered for a while. */
const FEW = 10_000;
/** Milliseconds. */
const REMEMBERED = 60_000;

export function followOwnership({
  collections: { owned: collection },
  clock,
  ofTask,
  touch,
}: OwnFollow): Pick<FollowJournal, 'owned' | 'countOwned' | 'ownedFrom' | 'disown'> {
  /** By far side. */
  const counted = new Map<string, { readonly count: number; readonly until: number }>();

  async function page(filter: Filter<OwnedDocument>, limit: number, signal: AbortSignal): Promise<OwnedDocument[]> {
    return call('read what is owned', signal, () =>
      collection
        .find({ ...filter, sourceId: { $gte: '' } })
        .sort({ fullPath: 1 })
        .limit(limit)
        .toArray(),
    );
  }

  /** Versions of a package are sorted for a page: by index alone, so that only the page is read. */
  async function pathsOfPackage(
    filter: Filter<OwnedDocument>,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    return call('list what is owned of a package', signal, () =>
      collection
        .find(filter, { projection: { _id: 0, fullPath: 1 }, hint: OWNED_INDEXES.package })
        .sort({ fullPath: 1 })
        .limit(limit)
        .map(({ fullPath }) => fullPath)
        .toArray(),
    );
  }

  return {
    async owned(clusterId, repository, scope, after, limit, signal) {
      const place = placeOf(ofTask, clusterId, repository);
      const size = Math.min(Math.max(1, limit), MAX_PAGE);
      const found: OwnedDocument[] = [];
      if ('package' in scope) {
        const { package: packageKey, version } = scope;
        const behind = after === undefined ? {} : { fullPath: { $gt: after } };
        const wanted = { ...place, packageKey, ...(version === undefined ? {} : { version }), ...behind };
        const paths = await pathsOfPackage(wanted, size, signal);
        if (paths.length > 0) found.push(...(await page({ ...place, fullPath: { $in: [...paths] } }, size, signal)));
      } else
        for (const range of rangesOf(scope)) {
          const fullPath = after === undefined ? range : { ...range, $gt: after };
          if (found.length < size) found.push(...(await page({ ...place, fullPath }, size - found.length, signal)));
        }
      return found.map(toOwnedFile);
    },

    async countOwned(clusterId, signal) {
      const known = counted.get(clusterId);
      if (known !== undefined && clock.monotonic() < known.until) return known.count;
      const count = await call('count what is owned', signal, () =>
        collection.countDocuments({ ...ofTask, clusterId, sourceId: { $gte: '' } }, { hint: OWNED_INDEXES.source }),
      );
      counted.delete(clusterId);
      if (count > FEW) counted.set(clusterId, { count, until: clock.monotonic() + REMEMBERED });
      return count;
    },

    /** From one far side to the next by a jump in the index. */
    async ownedFrom(sourceIds, signal) {
      const places = new Map<string, Awaited<ReturnType<FollowJournal['ownedFrom']>>[number]>();
      for (const ids of batches(sourceIds)) {
        const documents = await call('look for what came from the source', signal, () =>
          collection.find({ ...ofTask, sourceId: { $in: ids } }, { hint: OWNED_INDEXES.source }).toArray(),
        );
        for (const document of documents) {
          const { projectId, repoName, fullPath } = checked('owned_metadata', document);
          places.set(JSON.stringify([projectId, repoName, fullPath]), { projectId, repoName, fullPath });
        }
      }
      return [...places.values()];
    },

    async disown(clusterId, repository, owned, signal) {
      const place = placeOf(ofTask, clusterId, repository);
      for (const some of batches(owned)) {
        await touch(signal);
        const { deletedCount } = await call('disown what is gone', signal, () =>
          collection.bulkWrite(
            some.map(({ fullPath, updatedAt }) => ({ deleteOne: { filter: { ...place, fullPath, updatedAt } } })),
            { ordered: false },
          ),
        );
        const known = counted.get(clusterId);
        if (known !== undefined) counted.set(clusterId, { ...known, count: Math.max(0, known.count - deletedCount) });
      }
    },
  };
}

/** Of fullPath, in binary order: as stretches of the index, and never as patterns. `0` comes next to `/`. */
function rangesOf(
  scope: Exclude<OwnedScope, { readonly package: string }>,
): readonly { $in?: string[]; $gte?: string; $lt?: string }[] {
  if ('paths' in scope) return [{ $in: [...scope.paths] }];
  if ('versions' in scope) return [{ $lt: '/' }, { $gte: '0' }];
  const folder = scope.below === '/' ? '' : scope.below;
  return [{ $gte: `${folder}/`, $lt: `${folder}0` }];
}

function toOwnedFile(document: OwnedDocument): OwnedFile {
  const { fullPath, sha256 = null, formerly, partOf, updatedAt } = checked('owned_metadata', document);
  return {
    fullPath,
    sha256,
    updatedAt,
    ...(formerly === undefined ? {} : { formerly }),
    ...(partOf === undefined ? {} : { partOf }),
  };
}
