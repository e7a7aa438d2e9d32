/** Paths of a task (`pathConstraints`) and of nodes. A constraint names a file, a folder, or names by `*` in its last segment. */

/** Collapses slashes and drops a trailing one; `/` stays. */
export function normalisePath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  return `/${segments.join('/')}`;
}

/** Whether a constraint selects a node: the node itself, something below it, or by `*` in the last segment. */
export function selects(constraint: string, fullPath: string): boolean {
  if (constraint === '/') return true;
  const depth = constraint.split('/').length;
  const head = fullPath.split('/').slice(0, depth).join('/');
  if (!constraint.includes('*')) return head === constraint;
  const cut = constraint.lastIndexOf('/') + 1;
  return head.slice(0, cut) === constraint.slice(0, cut) && wildcard(constraint.slice(cut)).test(head.slice(cut));
}

function wildcard(segment: string): RegExp {
  const parts = segment.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'su');
}
