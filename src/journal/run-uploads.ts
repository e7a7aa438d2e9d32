/** Uploads that a far side holds in part. They belong to the task (uid), so that a later run can go on with them. */
import type { RunJournal } from '../engine/ports/journal.ts';
import type { TargetRepository } from '../engine/ports/target.ts';
import { checked, SCHEMA } from './documents.ts';
import { call } from './mongo-errors.ts';
import type { OwnRun } from './own-run.ts';

export function runUploads({
  collections: { uploads: collection },
  installationId,
  record: { id: recordId, taskKey, taskUid },
  now,
  touch,
}: OwnRun): Pick<RunJournal, 'findUpload' | 'writeUpload' | 'deleteUpload'> {
  const at = (clusterId: string, { projectId, name, storageKey }: TargetRepository, sha256: string) => ({
    installationId,
    taskUid,
    clusterId,
    projectId,
    repoName: name,
    storageKey,
    sha256,
  });

  return {
    async findUpload(clusterId, repository, sha256, signal) {
      const found = await call('read an upload session', signal, () =>
        collection.findOne(at(clusterId, repository, sha256)),
      );
      if (found === null) return undefined;
      const { sessionId, acknowledged, absentBefore, setbacks } = checked('upload_session', found);
      return { id: sessionId, acknowledged, absentBefore, setbacks };
    },

    async writeUpload(clusterId, repository, sha256, { id, acknowledged, absentBefore, setbacks }, signal) {
      await touch(signal);
      await call('write an upload session', signal, () =>
        collection.updateOne(
          at(clusterId, repository, sha256),
          {
            $set: {
              schema: SCHEMA,
              taskKey,
              recordId,
              sessionId: id,
              acknowledged,
              absentBefore,
              setbacks,
              updatedAt: now(),
            },
          },
          { upsert: true },
        ),
      );
    },

    async deleteUpload(clusterId, repository, sha256, signal) {
      await touch(signal);
      await call('forget an upload session', signal, () => collection.deleteOne(at(clusterId, repository, sha256)));
    },
  };
}
