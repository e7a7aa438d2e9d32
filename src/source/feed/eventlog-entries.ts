/** What entries of the event log say (contract §4.2, and the table of the fixture's README). Pure; never throws. */
import type { Change } from '../../engine/ports/feed.ts';
import { allOf, type Fields, fieldsIn, nodeChange, type Told, textIn } from './log-fields.ts';

const NOTHING: ReadonlySet<string> = new Set([
  'NODE_DOWNLOADED',
  'NODE_UPDATE_ACCESS_DATE',
  // Asks for a node that was put away; what is done then changes the node later, and is found by comparing.
  'NODE_SEPARATION_RECOVERY',
  'VERSION_DOWNLOAD',
  'REPO_REFRESHED',
  'REPO_VOLUME_SYNC',
]);

/** What types that concern artifacts begin with; all others are about projects, accounts and the like. */
const ARTIFACTS = /^(?:NODE|METADATA|PACKAGE|VERSION|REPO)_/;

/** The fields that are read; everything else stays at the server. */
export const EVENT_LOG_FIELDS = [
  'createdDate',
  'type',
  'projectId',
  'repoName',
  'resourceKey',
  'description.newFullPath',
  'description.dstProjectId',
  'description.dstRepoName',
  'description.dstFullPath',
  'description.dstRootNodeFullPath',
  'description.packageKey',
  'description.packageVersion',
] as const;

export function eventChanges(entry: Fields): Told {
  const { type, projectId, repoName, resourceKey } = entry;
  const data = fieldsIn(entry['description']) ?? {};
  const node = (below: boolean) => nodeChange(projectId, repoName, resourceKey, below);
  switch (type) {
    case 'NODE_CREATED':
    case 'METADATA_SAVED':
    case 'METADATA_DELETED':
      return allOf(node(false));
    // Nothing says that it was a folder, and nothing else is told of what was in it.
    case 'NODE_DELETED':
    case 'NODE_CLEAN':
      return allOf(node(true));
    case 'NODE_RENAMED':
      return allOf(node(true), nodeChange(projectId, repoName, data['newFullPath'], true));
    case 'NODE_MOVED':
      return allOf(node(true), destinationOf(entry, data));
    case 'NODE_COPIED':
      return allOf(destinationOf(entry, data));
    case 'VERSION_CREATED':
    case 'VERSION_UPDATED':
    case 'VERSION_DELETED':
    case 'VERSION_STAGED':
    case 'PACKAGE_METADATA_SAVED':
    case 'PACKAGE_METADATA_DELETED':
      return allOf(packageChange(entry, data));
    case 'REPO_CREATED':
    case 'REPO_UPDATED':
    case 'REPO_DELETED':
      return allOf(repositoryChange(entry));
    default:
      return otherType(type);
  }
}

/** `UNKNOWN` is what bk-repo itself writes for a type that it does not know. */
function otherType(type: unknown): Told {
  const name = textIn(type);
  if (name === undefined || name === 'UNKNOWN') return undefined;
  return NOTHING.has(name) || !ARTIFACTS.test(name) ? [] : undefined;
}

/**
 * The node that was made is named by `dstRootNodeFullPath`, with a slash at the end when it is a folder; older servers tell
 * only the destination that was asked for, which may be a folder that gets the node below it.
 */
function destinationOf({ projectId, repoName }: Fields, data: Fields): Change | undefined {
  const made = textIn(data['dstRootNodeFullPath']);
  return nodeChange(
    data['dstProjectId'] ?? projectId,
    data['dstRepoName'] ?? repoName,
    made ?? data['dstFullPath'],
    made === undefined || made.endsWith('/'),
  );
}

/** Without a version when the last one of an npm package was deleted. */
function packageChange({ projectId, repoName }: Fields, data: Fields): Change | undefined {
  const project = textIn(projectId);
  const repository = textIn(repoName);
  const packageKey = textIn(data['packageKey']);
  const version = textIn(data['packageVersion']);
  if (project === undefined || repository === undefined || packageKey === undefined) return undefined;
  return {
    kind: 'package',
    projectId: project,
    repoName: repository,
    packageKey,
    ...(version === undefined ? {} : { version }),
  };
}

function repositoryChange({ projectId, repoName, resourceKey }: Fields): Change | undefined {
  const project = textIn(projectId);
  const repository = textIn(repoName) ?? textIn(resourceKey);
  if (project === undefined || repository === undefined) return undefined;
  return { kind: 'repository', projectId: project, repoName: repository };
}
