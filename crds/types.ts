/** A CRD's schema as TypeScript: one interface per object, named by its path, everything readonly. */

export interface CrdSchema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly properties?: Readonly<Record<string, CrdSchema>>;
  readonly required?: readonly string[];
  readonly items?: CrdSchema;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[];
}

const WIDTH = 116;

/** The module text for one kind: its resource type and the interfaces it is made of. */
export function typesOf(kind: string, apiVersion: string, schema: CrdSchema): string {
  const interfaces: string[] = [];
  const { spec, status } = schema.properties ?? {};
  if (spec === undefined || status === undefined) throw new Error(`${kind}: the schema needs spec and status`);
  interfaceOf(`${kind}Spec`, spec, interfaces);
  interfaceOf(`${kind}Status`, status, interfaces);
  const resource = [
    comment(schema.description, ''),
    `export interface ${kind} {`,
    `  readonly apiVersion: '${apiVersion}';`,
    `  readonly kind: '${kind}';`,
    '  readonly metadata: ObjectMeta;',
    `  readonly spec: ${kind}Spec;`,
    `  readonly status: ${kind}Status;`,
    '}',
  ].join('\n');
  const imports = "import type { Condition } from './conditions.ts';\nimport type { ObjectMeta } from './object.ts';\n";
  return `${imports}\n${[resource, ...interfaces].join('\n\n')}\n`;
}

/** A copy of a schema without its descriptions, which are the larger part of it. */
export function cutDescriptions(value: unknown, insideProperties = false): unknown {
  if (Array.isArray(value)) return value.map((item) => cutDescriptions(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => insideProperties || key !== 'description')
      .map(([key, member]) => [key, cutDescriptions(member, key === 'properties' && !insideProperties)]),
  );
}

function interfaceOf(name: string, schema: CrdSchema, interfaces: string[]): void {
  const position = interfaces.push('') - 1;
  const members = Object.entries(schema.properties ?? {}).map(([key, property]) => {
    const optional = schema.required?.includes(key) || property.default !== undefined ? '' : '?';
    const type = key === 'conditions' ? 'readonly Condition[]' : typeOf(name, key, property, interfaces);
    return `${comment(property.description, '  ')}\n  readonly ${key}${optional}: ${type};`;
  });
  interfaces[position] = [comment(schema.description, ''), `export interface ${name} {`, ...members, '}'].join('\n');
}

function typeOf(owner: string, key: string, schema: CrdSchema, interfaces: string[]): string {
  switch (schema.type) {
    case 'string':
      return schema.enum === undefined ? 'string' : schema.enum.map((value) => `'${value}'`).join(' | ');
    case 'integer':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array': {
      if (schema.items === undefined) throw new Error(`${owner}.${key}: an array needs items`);
      const item = typeOf(owner, singular(key), schema.items, interfaces);
      return item.includes(' ') ? `readonly (${item})[]` : `readonly ${item}[]`;
    }
    case 'object': {
      const name = owner + key.charAt(0).toUpperCase() + key.slice(1);
      interfaceOf(name, schema, interfaces);
      return name;
    }
  }
}

function singular(key: string): string {
  if (key === 'history') return 'historyEntry';
  return key.replace(/s$/, '');
}

function comment(description: string | undefined, indent: string): string {
  if (description === undefined) throw new Error('every field needs a description');
  const lines: string[] = [];
  let line = '';
  for (const word of description.replaceAll('*/', '*\\/').split(' ')) {
    if (line !== '' && indent.length + line.length + word.length + 4 > WIDTH) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.length === 1
    ? `${indent}/** ${lines[0]} */`
    : [`${indent}/**`, ...lines.map((text) => `${indent} * ${text}`), `${indent} */`].join('\n');
}
