import { durationMs } from '../../api/duration.ts';
import type { ReplicaTaskSpec } from '../../api/replica-task.gen.ts';
import { normalisePath } from '../../domain/paths.ts';
import type { RunPlan } from '../../engine/run-types.ts';

/** An accepted spec as the engine performs it, defaults filled in. */
export function runPlan(spec: ReplicaTaskSpec): RunPlan {
  const { setting, localProjectId } = spec;
  return {
    localProjectId,
    objects: spec.replicaTaskObjects.map((object) => ({
      localRepoName: object.localRepoName,
      remoteProjectId: object.remoteProjectId ?? localProjectId,
      remoteRepoName: object.remoteRepoName ?? object.localRepoName,
      repoType: object.repoType,
      paths: (object.pathConstraints ?? []).map(({ path }) => normalisePath(path)),
      packages: (object.packageConstraints ?? []).map(({ packageKey, versions }) => ({
        packageKey,
        versions: versions ?? [],
      })),
    })),
    setting: {
      includeMetadata: setting.includeMetadata,
      conflictStrategy: setting.conflictStrategy,
      errorStrategy: setting.errorStrategy,
      automaticCreateRemoteRepo: setting.automaticCreateRemoteRepo,
      recordUnchanged: setting.recordUnchanged,
      storageConsistencyCheck: setting.storageConsistencyCheck,
      verifyIntervalMs: setting.verifyInterval === undefined ? null : durationMs(setting.verifyInterval),
    },
  };
}
