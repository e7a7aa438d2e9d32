import { durationMs } from '../../api/duration.ts';
import { CONVERT_OPERATE_LOG_ANNOTATION } from '../../api/names.ts';
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { Reference } from '../../domain/references.ts';
import type { FollowPlan } from '../../engine/follow/types.ts';
import { runPlan } from './run-plan.ts';

/** Of `setting.deleteProtection`. */
const PERCENT = 10;
const FILES = 100;

/** An accepted REAL_TIME task as the engine performs it, defaults filled in. */
export function followPlan({ spec, metadata }: ReplicaTask, specHash: string): FollowPlan {
  const { feed = 'auto', resyncInterval, deleteProtection = {}, adoptExisting } = spec.setting;
  const plan = runPlan(spec);
  return {
    run: {
      ...plan,
      setting: { ...plan.setting, recordUnchanged: true, following: adoptExisting ? 'adopted' : 'written' },
    },
    specHash,
    feed: { choice: feed, convert: metadata.annotations?.[CONVERT_OPERATE_LOG_ANNOTATION] === 'true' },
    resyncMs: resyncInterval === undefined ? undefined : durationMs(resyncInterval),
    deleteProtection: { percent: deleteProtection.percent ?? PERCENT, files: deleteProtection.files ?? FILES },
  };
}

/** What a follower cannot change while it works: its far sides are opened once. */
export function followIdentity(task: ReplicaTask, plan: FollowPlan, references: readonly Reference[]): string {
  const { specHash, feed, resyncMs, deleteProtection } = plan;
  const clusters = references.map(({ cluster }) => [cluster?.metadata.uid, cluster?.metadata.generation]);
  return JSON.stringify([task.metadata.uid, specHash, feed, resyncMs, deleteProtection, clusters]);
}
