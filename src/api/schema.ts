/** An `openAPIV3Schema` as our CRDs use it: what a walker over schema and value needs to know. */
export interface Schema {
  readonly type: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly default?: unknown;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly SchemaRule[];
}

/** One CEL rule; `fieldPath` begins with a dot and is relative to the object that has the rule. */
export interface SchemaRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A copy of the value with defaults filled in and nulls taken out, as the API server does it: a null is an absent field,
 * so that its default, if any, applies. Null items of lists stay, and are errors.
 */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((item) => withDefaults(items, item));
  }
  if (!isObject(value)) return value;
  const properties = schema.properties ?? {};
  const members = new Map<string, unknown>();
  for (const [key, member] of Object.entries(value)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined) members.set(key, member);
    else if (member !== null) members.set(key, withDefaults(property, member));
  }
  for (const [key, property] of Object.entries(properties)) {
    if (!members.has(key) && property.default !== undefined) {
      members.set(key, withDefaults(property, structuredClone(property.default)));
    }
  }
  return Object.fromEntries(members);
}
