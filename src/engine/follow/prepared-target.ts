import type { Clock } from '../../lib/clock.ts';
import type { Target, TargetRepository } from '../ports/target.ts';

/** As long as bk-repo's own replication believes that a repository is there. Milliseconds. */
const BELIEVED_MS = 60_000;

/** A far side whose repositories are asked about once a minute, and not for every handful of changes. */
export function preparedTarget(target: Target, clock: Clock): Target {
  const known = new Map<string, { readonly until: number; readonly repository: TargetRepository }>();
  return {
    ...target,
    prepareRepository: async (request, signal) => {
      const { project, repository, remoteProjectId, remoteRepoName, create } = request;
      const key = JSON.stringify([project.name, repository.name, remoteProjectId, remoteRepoName, create]);
      const found = known.get(key);
      if (found !== undefined && clock.monotonic() < found.until) return found.repository;
      const prepared = await target.prepareRepository(request, signal);
      known.set(key, { until: clock.monotonic() + BELIEVED_MS, repository: prepared });
      return prepared;
    },
  };
}
