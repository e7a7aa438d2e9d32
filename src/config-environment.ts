/** Names of environment variables, made from the keys of the configuration: `source.mongodb.uri` → `…_SOURCE_MONGODB_URI`. */
export const ENVIRONMENT_PREFIX = 'BKREPO_REPLICATOR_';

/** What is needed of a JSON schema. */
export interface JsonSchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchemaNode>>;
  readonly items?: JsonSchemaNode;
}

/** Put into every container by Kubernetes for each Service of the namespace; ours may begin with our prefix. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT\w*)$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$/;

export interface EnvironmentValue {
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface ConfigKey {
  readonly path: readonly string[];
  readonly node: JsonSchemaNode;
  /** Undefined for lists of objects, which only the file can hold. */
  readonly variable: string | undefined;
}

/** All keys that hold values, in the order of the schema. */
export function configKeys(node: JsonSchemaNode, path: readonly string[] = []): readonly ConfigKey[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const here = [...path, name];
    if (child.properties !== undefined) return configKeys(child, here);
    const simple = child.items === undefined || child.items.type === 'string';
    return [{ path: here, node: child, variable: simple ? variableName(here) : undefined }];
  });
}

/** Values are text; lists are separated by commas. Variables with our prefix that name no key are problems. */
export function environmentValues(
  environment: Readonly<Record<string, string | undefined>>,
  schema: JsonSchemaNode,
): { readonly values: readonly EnvironmentValue[]; readonly problems: readonly string[] } {
  const keys = new Map(configKeys(schema).flatMap((key) => (key.variable === undefined ? [] : [[key.variable, key]])));
  const values: EnvironmentValue[] = [];
  const problems: string[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || text === undefined) continue;
    const key = keys.get(name);
    if (isServiceLink(name, text, key !== undefined)) continue;
    if (key === undefined) {
      problems.push(`${name}: unknown variable; did you mean ${nearest(name, [...keys.keys()])}?`);
    } else values.push({ path: key.path, value: parseText(text, key.node) });
  }
  return { values, problems };
}

function isServiceLink(name: string, text: string, known: boolean): boolean {
  return SERVICE_LINK.test(name) && (!known || /^(tcp|udp|sctp):\/\//.test(text));
}

function variableName(path: readonly string[]): string {
  const words = path.map((key) => key.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase());
  return ENVIRONMENT_PREFIX + words.join('_');
}

/** What does not fit stays text, and the schema refuses it. */
function parseText(text: string, { type }: JsonSchemaNode): unknown {
  if (type === 'array')
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if ((type === 'integer' || type === 'number') && text.trim() !== '' && Number.isFinite(Number(text)))
    return Number(text);
  return text;
}

/** The name at the smallest edit distance, if there is one that could be meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, char] of a.slice(0, 100).split('').entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (b[j] === char ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
