import { ReplicationError } from '../domain/errors.ts';
import type { Source, SourceProject, SourceRepository } from './ports/source.ts';
import type { RunObject } from './run-types.ts';

/** The repository that a task object copies; one that is not there, or cannot be copied so, is a unit error. */
export async function repositoryOf(
  source: Pick<Source, 'project' | 'repository'>,
  localProjectId: string,
  object: Pick<RunObject, 'localRepoName' | 'repoType'>,
  signal: AbortSignal,
): Promise<{ readonly project: SourceProject; readonly repository: SourceRepository }> {
  const where = `${localProjectId}/${object.localRepoName}`;
  const project = await source.project(localProjectId, signal);
  const repository = await source.repository(localProjectId, object.localRepoName, signal);
  if (project === undefined || repository === undefined) {
    throw new ReplicationError('unit', 'SourceRepositoryNotFound', `the source has no repository ${where}`);
  }
  if (repository.type !== object.repoType) {
    throw new ReplicationError(
      'unit',
      'SourceRepositoryTypeMismatch',
      `repository ${where} is of type ${repository.type} at the source, the task says repoType ${object.repoType}`,
    );
  }
  if (repository.category !== 'LOCAL' && repository.category !== 'COMPOSITE') {
    throw new ReplicationError(
      'unit',
      'SourceRepositoryUnsupported',
      `repository ${where} is ${repository.category}: only LOCAL and COMPOSITE repositories can be copied`,
    );
  }
  return { project, repository };
}
