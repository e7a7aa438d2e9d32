/** Which keys of a task a change of its source makes dirty. Pure. */

interface Key {
  readonly repoName: string;
  readonly kind: 'path' | 'folder' | 'package';
  readonly name: string;
  readonly version?: string;
}

interface Selection {
  readonly localRepoName: string;
  readonly repoType: string;
  readonly paths: readonly string[];
  readonly packages?: readonly { readonly packageKey: string; readonly versions: readonly string[] }[];
}

type Changed =
  | {
      readonly kind: 'node';
      readonly projectId: string;
      readonly repoName: string;
      readonly fullPath: string;
      readonly below: boolean;
    }
  | {
      readonly kind: 'package';
      readonly projectId: string;
      readonly repoName: string;
      readonly packageKey: string;
      readonly version?: string;
    }
  | { readonly kind: 'repository'; readonly projectId: string; readonly repoName: string };

export function marksOf(change: Changed, objects: readonly Selection[], localProjectId: string): readonly Key[] {
  const { repoName } = change;
  if (change.projectId !== localProjectId || !objects.some(({ localRepoName }) => localRepoName === repoName))
    return [];
  if (change.kind === 'repository') return [{ repoName, kind: 'folder', name: '/' }];
  if (change.kind === 'node') return [{ repoName, kind: change.below ? 'folder' : 'path', name: change.fullPath }];
  const { packageKey: name, version } = change;
  return [{ repoName, kind: 'package', name, ...(version === undefined ? {} : { version }) }];
}
