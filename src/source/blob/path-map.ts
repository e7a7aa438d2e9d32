import type { PathMapping } from '../options.ts';

/** Where a directory of the source's configuration is mounted here: the longest `from` that contains it wins. */
export function mapPath(path: string, mappings: readonly PathMapping[]): string {
  const longestFirst = mappings.toSorted((a, b) => trimmed(b.from).length - trimmed(a.from).length);
  for (const { from, to } of longestFirst) {
    const root = trimmed(from);
    if (path === root || path.startsWith(`${root}/`)) return trimmed(to) + path.slice(root.length);
  }
  return path;
}

function trimmed(directory: string): string {
  return directory.replace(/\/+$/, '');
}
