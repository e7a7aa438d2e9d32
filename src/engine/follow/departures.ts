/** Where, after a batch was converged, something may have to be deleted. Pure. */
import { selects } from '../../domain/paths.ts';
import type { OwnedScope } from '../ports/follow-journal.ts';
import type { RunObject } from '../run-types.ts';
import type { Item } from './backlog.ts';
import type { Fate } from './fates.ts';
import type { Departure } from './removal.ts';

export interface DepartureOf {
  readonly departure: Departure;
  readonly items: readonly Item[];
}

/** Versions before files, so that no version is seen without its files. */
export function departuresOf(objects: readonly RunObject[], fates: readonly Fate[]): readonly DepartureOf[] {
  const left = fates.filter(({ item, fate }) => fate === 'gone' || (fate === 'done' && item.key.kind !== 'path'));
  return objects.flatMap((object, index) => {
    const own = left.filter(({ item: { key } }) => key.repoName === object.localRepoName).map(({ item }) => item);
    const packages = own.filter(({ key }) => key.kind === 'package');
    const folders = own.filter(({ key }) => key.kind === 'folder');
    const paths = own.filter(({ key }) => key.kind === 'path' && mayHold(object, key.name));
    return [
      ...packages.map((item) => of(index, packageScope(item), [item])),
      ...folders.filter(({ key }) => key.name === '/').map((item) => of(index, { versions: true }, [item])),
      ...folders.map((item) => of(index, { below: item.key.name }, [item])),
      ...folders
        .filter(({ key }) => key.name !== '/' && mayHold(object, key.name))
        .map((item) => of(index, { paths: [item.key.name] }, [item])),
      ...(paths.length === 0 ? [] : [of(index, { paths: paths.map(({ key }) => key.name) }, paths)]),
    ];
  });
}

function of(index: number, scope: OwnedScope, items: readonly Item[]): DepartureOf {
  const at = new Date(Math.max(...items.map((item) => item.at)));
  const attempts = Math.max(...items.map((item) => item.attempts));
  return { departure: { index, scope, at, attempts }, items };
}

function packageScope({ key: { name, version } }: Item): OwnedScope {
  return { package: name, ...(version === undefined ? {} : { version }) };
}

function mayHold({ paths }: RunObject, fullPath: string): boolean {
  return paths.length === 0 || paths.some((path) => selects(path, fullPath));
}
