/** Whether the caller of a request may do what it asks for: the caller's own rights, never this program's. */
import type { FastifyRequest } from 'fastify';

import { complain } from './codes.ts';
import type { AccessRequest } from './ports.ts';

type Asked = Pick<FastifyRequest, 'user' | 'ended'>;

/** Namespaces that are asked about at the same time. */
const AT_ONCE = 8;

/** Fails with `RestError` `denied` (403), naming verb, resource and namespace; `unavailable` when nobody can tell. */
export async function authorize(request: Asked, access: AccessRequest): Promise<void> {
  if (await request.user.may(access, request.ended)) return;
  const { verb, resource, namespace, name } = access;
  throw complain('denied', words(request, `${verb} ${resource}${name === undefined ? '' : ` ${name}`}`, [namespace]));
}

/**
 * Those of `namespaces`, in their order, in which the caller may list `resource`. Fails with `RestError` `denied` when
 * there are none.
 */
export async function readableNamespaces(
  request: Asked,
  namespaces: readonly string[],
  resource: 'clusters' | 'replicatasks',
): Promise<readonly string[]> {
  const readable: string[] = [];
  for (let start = 0; start < namespaces.length; start += AT_ONCE) {
    const some = namespaces.slice(start, start + AT_ONCE);
    const answers = await Promise.all(
      some.map((namespace) => request.user.may({ verb: 'list', resource, namespace }, request.ended)),
    );
    readable.push(...some.filter((_namespace, index) => answers[index] === true));
  }
  if (readable.length === 0) throw complain('denied', words(request, `list ${resource}`, namespaces));
  return readable;
}

const SHOWN = 3;

function words(request: Asked, doing: string, namespaces: readonly string[]): string {
  const shown = namespaces.slice(0, SHOWN).join(', ');
  const more = namespaces.length > SHOWN ? ` and ${namespaces.length - SHOWN} more` : '';
  return `${request.user.name} may not ${doing} in namespace ${shown}${more}`;
}
