/**
 * Both resources field by field as Markdown: `docs/reference.md`, one table for each object of a schema, so that every
 * path of a CRD is in it once, with what the API server itself checks.
 */
import type { CrdSchema } from './types.ts';

export interface CrdColumn {
  readonly name: string;
  readonly description?: string;
  readonly priority?: number;
}

export interface ReferenceKind {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly apiVersion: string;
  readonly columns: readonly CrdColumn[];
  readonly schema: CrdSchema;
}

interface Section {
  readonly path: string;
  readonly schema: CrdSchema;
}

const HEAD = `<!-- Generated from crds/*.yaml by \`npm run generate\`. Do not edit. -->

# Reference of the resources

Every field of every kind, as the CRDs in [crds](../crds) declare them; \`kubectl explain\` tells the same. \`[]\` stands for each entry of a list. What a field's value leads to is told in [Concepts](concepts.md), what each condition's reason means in [Troubleshooting](troubleshooting.md). Unknown fields are dropped or refused by the API server as the client asks (\`kubectl\` refuses), and refused in standalone mode.
`;

export function referenceOf(kinds: readonly ReferenceKind[]): string {
  return [HEAD, ...kinds.map(kindText)].join('\n');
}

function kindText(kind: ReferenceKind): string {
  const { spec, status } = kind.schema.properties ?? {};
  if (spec === undefined || status === undefined) throw new Error(`${kind.kind}: the schema needs spec and status`);
  const names = [`${kind.plural}.${kind.apiVersion.split('/')[0]}`, ...kind.shortNames].map(code).join(', ');
  const sections = [...sectionsOf('spec', spec), ...sectionsOf('status', status)];
  return [
    `## ${kind.kind}\n`,
    `${cell(kind.schema.description)}\n`,
    `\`apiVersion: ${kind.apiVersion}\`, \`kind: ${kind.kind}\`, namespaced; for \`kubectl\`: ${names}.\n`,
    '| Column of `kubectl get` | What it shows |\n| --- | --- |',
    `${kind.columns.map(columnRow).join('\n')}\n`,
    ...sections.map((section) => sectionText(kind.kind, section)),
  ].join('\n');
}

function columnRow({ name, description, priority }: CrdColumn): string {
  const wide = priority === undefined || priority === 0 ? '' : ' (with `-o wide`)';
  return `| ${name}${wide} | ${cell(description ?? 'Time since it was created.')} |`;
}

/** The object itself, and below it every object that it holds, also as entries of lists, in the order of the CRD. */
function sectionsOf(path: string, schema: CrdSchema): Section[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([key, member]) => {
    const entry = member.type === 'array' ? member.items : member;
    const suffix = member.type === 'array' ? '[]' : '';
    return entry?.type === 'object' ? sectionsOf(`${path}.${key}${suffix}`, entry) : [];
  });
  return [{ path, schema }, ...below];
}

function sectionText(kind: string, { path, schema }: Section): string {
  const rows = Object.entries(schema.properties ?? {}).map(([key, member]) => {
    const required = schema.required?.includes(key) === true && path.startsWith('spec') ? ' (required)' : '';
    return `| \`${key}\`${required} | ${typeText(member)} | ${cell(checks(member).join('; '))} | ${cell(member.description)} |`;
  });
  const rules = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => `* ${message}`);
  return [
    `### ${kind}: ${path}\n`,
    // That of a part stands in the table of what it is a part of.
    ...(path.includes('.') || schema.description === undefined ? [] : [`${schema.description}\n`]),
    '| Field | Type | Checked | Meaning |\n| --- | --- | --- | --- |',
    `${rows.join('\n')}\n`,
    ...(rules.length === 0 ? [] : [`The API server refuses what breaks one of these rules:\n\n${rules.join('\n')}\n`]),
  ].join('\n');
}

function typeText(schema: CrdSchema): string {
  if (schema.type === 'array') return `list of ${schema.items?.type ?? 'values'}s`;
  return schema.format === 'date-time' ? 'time (RFC 3339)' : schema.type;
}

function checks(schema: CrdSchema): string[] {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, pattern } = schema;
  return [
    ...(schema.enum === undefined ? [] : [`one of ${schema.enum.map(code).join(', ')}`]),
    ...(schema.default === undefined ? [] : [`default ${code(JSON.stringify(schema.default))}`]),
    ...range(minimum, maximum),
    ...range(minLength, maxLength).map((text) => `${text} characters`),
    ...range(minItems, maxItems).map((text) => `${text} entries`),
    ...(pattern === undefined ? [] : [`matches ${code(pattern)}`]),
    ...(schema.type === 'array' && schema.items !== undefined && schema.items.type !== 'object'
      ? checks(schema.items).map((text) => `each ${text}`)
      : []),
  ];
}

function range(from: number | undefined, to: number | undefined): string[] {
  if (from === undefined && to === undefined) return [];
  if (from === undefined) return [`at most ${to}`];
  return [to === undefined ? `at least ${from}` : `${from} to ${to}`];
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** Text for a table: a bar would end the cell. */
function cell(text: string | undefined): string {
  return (text ?? '').replaceAll('|', '\\|');
}
