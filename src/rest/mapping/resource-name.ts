/**
 * The `metadata.name` of what REST creates: the REST name where it can be one, else made from it. The same name always
 * gives the same one, and two names never share one: what is made ends in a hash, and no name that does is kept as it is.
 */
import { createHash } from 'node:crypto';

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const HASHED = /-[0-9a-f]{12}$/;
const MAX_SLUG = 50;

/** A DNS label of at most 63 characters. */
export function resourceName(restName: string): string {
  if (LABEL.test(restName) && !HASHED.test(restName)) return restName;
  const hash = createHash('sha256').update(restName).digest('hex').slice(0, 12);
  return `${slugOf(restName) || 'name'}-${hash}`;
}

function slugOf(name: string): string {
  const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return slug.replace(/^-/, '').slice(0, MAX_SLUG).replace(/-$/, '');
}
