/** What entries of the operation log say (contract §4.1, requests §2.6). Pure; never throws. */
import { allOf, type Fields, fieldsIn, nodeChange, type Told, textIn } from './log-fields.ts';

/** The fields that are read; everything else stays at the server. */
export const OPLOG_FIELDS = ['createdDate', 'resourceType', 'operateType', 'description.request'] as const;

export function oplogChanges(entry: Fields): Told {
  const request = requestIn(fieldsIn(entry['description'])?.['request']);
  if (request === undefined) return undefined;
  switch (entry['resourceType']) {
    case 'NODE':
      return nodeChanges(entry['operateType'], request);
    case 'METADATA':
      return allOf(nodeChange(request['projectId'], request['repoName'], request['fullPath'], false));
    case 'REPOSITORY': {
      const projectId = textIn(request['projectId']);
      const repoName = textIn(request['name']);
      if (projectId === undefined || repoName === undefined) return undefined;
      // The deletion of a repository is told, that of its files is not.
      if (entry['operateType'] === 'DELETE') return allOf(nodeChange(projectId, repoName, '/', true));
      return [{ kind: 'repository', projectId, repoName }];
    }
    case 'PROJECT':
      return [];
    default:
      return undefined;
  }
}

/** Written as JSON text or as it is; in what is embedded, keys have `#dot#` for a dot, which no key that is read here has. */
function requestIn(value: unknown): Fields | undefined {
  if (typeof value !== 'string') return fieldsIn(value);
  try {
    return fieldsIn(JSON.parse(value));
  } catch {
    return undefined;
  }
}

/** No request says whether it is about a folder, but that which makes one. */
function nodeChanges(operateType: unknown, request: Fields): Told {
  const { projectId, repoName, fullPath } = request;
  switch (operateType) {
    // What is put into a new folder tells itself.
    case 'CREATE':
    case 'UPDATE':
      return allOf(nodeChange(projectId, repoName, fullPath, false));
    case 'DELETE':
      return allOf(nodeChange(projectId, repoName, fullPath, true));
    case 'RENAME':
      return allOf(
        nodeChange(projectId, repoName, fullPath, true),
        nodeChange(projectId, repoName, request['newFullPath'], true),
      );
    case 'MOVE':
      return allOf(sourceOf(request), destinationOf(request));
    case 'COPY':
      return allOf(destinationOf(request));
    default:
      return undefined;
  }
}

/** The names without `src` are bk-repo's own aliases of them. */
function sourceOf(request: Fields) {
  return nodeChange(
    request['srcProjectId'] ?? request['projectId'],
    request['srcRepoName'] ?? request['repoName'],
    request['srcFullPath'] ?? request['fullPath'],
    true,
  );
}

/** A destination that is a folder already gets the node below it. */
function destinationOf(request: Fields) {
  return nodeChange(
    request['destProjectId'] ?? request['srcProjectId'] ?? request['projectId'],
    request['destRepoName'] ?? request['srcRepoName'] ?? request['repoName'],
    request['destFullPath'] ?? request['destPath'],
    true,
  );
}
