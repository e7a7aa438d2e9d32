/** Values for what JSON Schemas describe: valid ones, and such that something is wrong with. */
import fc from 'fast-check';

export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly unknown[];
}

/** What has broken programs before. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  '.',
  '..',
  '../../../../etc/passwd',
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e/%2e%2e',
  '/',
  '//',
  '\\',
  '.*',
  '(a+)+$',
  '^',
  '[',
  '*',
  '$where',
  '{"$gt":""}',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  'true',
  '-1',
  '0',
  '1e999',
  '9007199254740993',
  '99999999999999999999',
  '2147483648',
  "'; DROP TABLE task; --",
  '<script>alert(1)</script>',
  '\u0000',
  '\ufeff',
  '\ud800',
  '名前',
  '🙂',
  'é'.normalize('NFD'),
  '\u202e',
  '\r\nX-Evil: 1',
  'a'.repeat(64),
  'a'.repeat(257),
  'a'.repeat(5_000),
  '0 0 3 * * ?',
  '* * * * *',
  '0 0 0 31 2 ?',
  '2030-02-31T25:61:61',
  '+999999999-01-01T00:00:00',
  '2020-01-01T00:00:00',
  'http://[::1',
  'ftp://x',
  'http://user:pass@far.test/replication',
  'http://169.254.169.254/',
  'javascript:alert(1)',
];

const hostileText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

/** Any JSON, odd in kind, size or key. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  hostileText,
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, 1e308, -1e308, Number.MAX_SAFE_INTEGER, [], {}, [[]], [null]),
  fc.constantFrom<unknown>({ $gt: '' }, { $ne: null }, { length: 1e9 }, { toString: 1 }, { toJSON: 'x' }),
  fc.constant(JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as unknown),
  fc.constantFrom(1_000, 5_000).map((length) => Array.from({ length }, () => 'x')),
  fc.constantFrom(50, 500).map((depth) => nested(depth)),
  fc.jsonValue({ maxDepth: 2 }),
);

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { name: value };
  return value;
}

/** What fits a schema; `words` are names and ids of what there is. */
export function fitting(schema: Schema, words: readonly string[]): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const types = schema.type === undefined ? ['string'] : [schema.type].flat();
  return fc.oneof(...types.map((type) => ofType(type, schema, words)));
}

function ofType(type: string, schema: Schema, words: readonly string[]): fc.Arbitrary<unknown> {
  const { minimum = -5, maximum = 1_000 } = schema;
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: minimum, max: maximum });
    case 'number':
      return fc.double({ min: minimum, max: maximum, noNaN: true });
    case 'array':
      return fc.array(fitting(schema.items ?? {}, words), { maxLength: 3 });
    case 'object':
      return ofObject(schema, words);
    default:
      return textLike(schema, words);
  }
}

function textLike({ examples = [] }: Schema, words: readonly string[]): fc.Arbitrary<unknown> {
  const texts = [...examples.filter((example) => typeof example === 'string'), ...words];
  return fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...texts) },
    { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
  );
}

function ofObject({ properties = {}, required = [] }: Schema, words: readonly string[]): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties).map(([key, schema]) => [key, fitting(schema, words)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [...required], noNullPrototype: true });
}

/** The value with another one at one of its places, or without it, or with a field more. */
export function spoilt(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc
    .tuple(value, fc.nat(), fc.option(hostileValue, { freq: 6 }), fc.boolean())
    .map(([whole, place, other, added]) => {
      const copy = structuredClone(whole);
      const holders = holdersIn(copy);
      const at = holders[place % Math.max(1, holders.length)];
      if (at === undefined) return other;
      const { holder, key } = at;
      if (other === null) Reflect.deleteProperty(holder, key);
      else Object.defineProperty(holder, added && place % 7 === 0 ? '__proto__' : key, shown(other));
      return copy;
    });
}

function shown(value: unknown): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}

interface Place {
  readonly holder: object;
  readonly key: string;
}

function holdersIn(value: unknown): readonly Place[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((key) => [
    { holder: value, key },
    ...holdersIn((value as Readonly<Record<string, unknown>>)[key]),
  ]);
}
