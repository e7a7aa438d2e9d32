/** The texts of a query, read as bk-repo's framework (Spring) reads them, before a schema judges them. */

const FLAGS: ReadonlyMap<string, string> = new Map(
  Object.entries({ on: 'true', yes: 'true', 1: 'true', off: 'false', no: 'false', 0: 'false' }),
);

interface Property {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
}

/**
 * Changes `query`: what is no free text counts as absent when it is empty (a form sends all its fields), blanks around it
 * do not count, and flags have other words, too.
 */
export function readQueryTexts(schema: object, query: unknown): void {
  if (typeof query !== 'object' || query === null) return;
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, Property>> };
  const texts = query as Record<string, unknown>;
  for (const [name, property] of Object.entries(properties)) {
    const given = Object.hasOwn(texts, name) ? texts[name] : undefined;
    if (typeof given !== 'string' || (property.type === 'string' && property.enum === undefined)) continue;
    const text = given.trim();
    if (text === '') delete texts[name];
    else texts[name] = property.type === 'boolean' ? flag(text.toLowerCase()) : text;
  }
}

function flag(text: string): string {
  return FLAGS.get(text) ?? text;
}
