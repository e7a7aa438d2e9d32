/** The rules of node/search as a MongoDB filter (contract §11 "Reading a far side in bulk"). */
import type { Document, Filter } from 'mongodb';
import type { LocalTime } from '../lib/local-time.ts';
import type { NodeDoc } from '../source/schema/documents.ts';
import { PeerError } from './errors.ts';
import { Fields, isRecord } from './fields.ts';

const MAX_DEPTH = 8;
const MAX_RULES = 200;
/** Characters of a pattern. */
const MAX_PATTERN = 1024;

/** Fields of a node that may be asked for; `deleted` is not among them. */
export const NODE_FIELDS: ReadonlySet<string> = new Set([
  'projectId',
  'repoName',
  'fullPath',
  'path',
  'name',
  'folder',
  'size',
  'sha256',
  'md5',
  'crc64ecma',
  'metadata',
  'nodeNum',
  'createdBy',
  'createdDate',
  'lastModifiedBy',
  'lastModifiedDate',
  'lastAccessDate',
  'expireDate',
  'archived',
  'compressed',
  'clusterNames',
]);

const METADATA_PREFIX = 'metadata.';

/** Fails with 250106 for a rule that cannot be read, with 250105 for one that cannot be answered. */
export function ruleFilter(rule: unknown, time: LocalTime): Filter<NodeDoc> {
  let rules = 0;
  const translate = (item: unknown, depth: number): Document => {
    const fields = Fields.of(item);
    rules += 1;
    if (depth > MAX_DEPTH || rules > MAX_RULES) throw new PeerError('parameterInvalid', 'rule');
    if (!fields.has('rules')) return fieldFilter(fields, time);
    const nested = (fields.list('rules') ?? []).map((inner) => translate(inner, depth + 1));
    if (nested.length === 0) return {};
    const relation = fields.optionalText('relation') ?? 'AND';
    if (relation === 'AND') return { $and: nested };
    if (relation === 'OR') return { $or: nested };
    if (relation === 'NOR') return { $nor: nested };
    throw new PeerError('contentInvalid');
  };
  return translate(rule, 0);
}

/** The value of an EQ on `field` that every answer must satisfy: the rule itself or a member of its outer AND. */
export function requiredValue(rule: unknown, field: string): string | undefined {
  if (!isRecord(rule)) return undefined;
  if (Array.isArray(rule['rules'])) {
    if ((rule['relation'] ?? 'AND') !== 'AND') return undefined;
    for (const inner of rule['rules']) {
      const value = requiredValue(inner, field);
      if (value !== undefined) return value;
    }
    return undefined;
  }
  const equal = rule['operation'] === undefined || rule['operation'] === 'EQ';
  return rule['field'] === field && equal && typeof rule['value'] === 'string' ? rule['value'] : undefined;
}

function fieldFilter(rule: Fields, time: LocalTime): Document {
  const field = rule.text('field');
  const condition = conditionOf(rule.optionalText('operation') ?? 'EQ', rule, time);
  if (field.startsWith(METADATA_PREFIX)) {
    const key = field.slice(METADATA_PREFIX.length);
    return { metadata: { $elemMatch: { key, value: condition } } };
  }
  if (field === 'metadata' || !NODE_FIELDS.has(field)) throw new PeerError('parameterInvalid', 'field');
  return { [field]: condition };
}

const COMPARISONS: Readonly<Record<string, string>> = { LT: '$lt', LTE: '$lte', GT: '$gt', GTE: '$gte' };

function conditionOf(operation: string, rule: Fields, time: LocalTime): unknown {
  const comparison = COMPARISONS[operation];
  if (comparison !== undefined) return { [comparison]: number(rule) };
  switch (operation) {
    case 'EQ':
      return { $eq: scalar(rule.raw('value')) };
    case 'NE':
      return { $ne: scalar(rule.raw('value')) };
    case 'BEFORE':
      return { $lt: date(rule, time) };
    case 'AFTER':
      return { $gt: date(rule, time) };
    case 'IN':
      return { $in: (rule.list('value') ?? []).map(scalar) };
    case 'NIN':
      return { $nin: (rule.list('value') ?? []).map(scalar) };
    case 'NULL':
      return { $eq: null };
    case 'NOT_NULL':
      return { $ne: null };
    default:
      return patternOf(operation, rule);
  }
}

function patternOf(operation: string, rule: Fields): unknown {
  const insensitive = operation.endsWith('_I');
  const $options = insensitive ? 'i' : '';
  const text = rule.text('value');
  if (text.length > MAX_PATTERN) throw new PeerError('parameterInvalid', 'value');
  switch (insensitive ? operation.slice(0, -2) : operation) {
    case 'PREFIX':
      return { $regex: `^${escapePattern(text)}`, $options };
    case 'SUFFIX':
      return { $regex: `${escapePattern(text)}$`, $options };
    case 'CONTAINS':
      return { $regex: escapePattern(text), $options };
    case 'MATCH':
      return { $regex: `^${text.split('*').map(escapePattern).join('.*')}$`, $options };
    case 'REGEX':
      return { $regex: text, $options };
    default:
      throw new PeerError('contentInvalid');
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function scalar(value: unknown): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  throw new PeerError('contentInvalid');
}

function number(rule: Fields): number {
  const value = rule.raw('value');
  if (typeof value !== 'number') throw new PeerError('contentInvalid');
  return value;
}

function date(rule: Fields, time: LocalTime): Date {
  const parsed = time.parse(rule.text('value'));
  if (parsed === undefined) throw new PeerError('contentInvalid');
  return parsed;
}
