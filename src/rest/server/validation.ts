/**
 * Requests against the schemas of their routes. All that is wrong is told, as bk-repo's codes: a body has invalid
 * content (250106), a query lacks a parameter (250103) or has one of a wrong type (250131).
 *
 * The text of a query is read as the type that its schema wants; a body is what it is. `default` in a schema is
 * documentation: absent stays absent.
 */
import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';

import { type Complaint, RestError } from '../codes.ts';
import { readQueryTexts } from './query-text.ts';

/** The part of a request that a schema is for, as Fastify names it. */
export type HttpPart = 'body' | 'querystring' | 'params' | 'headers';

/** What the validator answers to Fastify. */
export type Verdict = true | { readonly error: RestError };

/** A body with more values than this is told its first fault only: every value of it might be one. */
const MAX_VALUES = 10_000;
const MAX_COMPLAINTS = 32;
const MAX_WORDS = 512;

const OPTIONS: Options = {
  strict: true,
  strictRequired: false,
  allowUnionTypes: true,
  validateFormats: false,
  messages: true,
};

/** Compiles one schema for one part of a request. */
export type Compile = (schema: object, part: HttpPart) => (data: unknown) => Verdict;

export function validatorCompiler(): Compile {
  const compilers = { body: compiler(false), other: compiler(true) };
  return (schema, part) => {
    const check = part === 'body' ? compilers.body(schema) : compilers.other(schema);
    return (data) => {
      if (part === 'querystring') readQueryTexts(schema, data);
      const errors = check(data);
      return errors === undefined ? true : { error: refusal(errors, part) };
    };
  };
}

type Check = (data: unknown) => readonly ErrorObject[] | undefined;

/** Most requests are right: a validator that stops at the first fault judges, another one tells all faults. */
function compiler(coerceTypes: boolean): (schema: object) => Check {
  const judge = new Ajv2020({ ...OPTIONS, coerceTypes });
  const tell = new Ajv2020({ ...OPTIONS, coerceTypes, allErrors: true });
  return (schema) => {
    const judges = judge.compile(schema);
    let tells: ValidateFunction | undefined;
    return (data) => {
      if (judges(data)) return undefined;
      if (countValues(data) <= MAX_VALUES) {
        tells ??= tell.compile(schema);
        if (!tells(data)) return tells.errors ?? [];
      }
      return judges.errors ?? [];
    };
  };
}

/** Stops counting where the limit is passed. */
function countValues(data: unknown): number {
  const open: unknown[] = [data];
  let count = 0;
  while (open.length > 0 && count <= MAX_VALUES) {
    const value = open.pop();
    count += 1;
    if (typeof value !== 'object' || value === null) continue;
    for (const member of Object.values(value)) {
      if (open.length + count > MAX_VALUES) return MAX_VALUES + 1;
      open.push(member);
    }
  }
  return count;
}

function refusal(errors: readonly ErrorObject[], part: HttpPart): RestError {
  const complaints = new Map<string, Complaint>();
  for (const error of errors) {
    if (complaints.size >= MAX_COMPLAINTS) break;
    // They only say that what they hold failed, which has told so itself.
    if (error.keyword === 'if' || (errors.length > 1 && /^(?:any|one|all)Of$/.test(error.keyword))) continue;
    const complaint = complaintOf(error, part);
    complaints.set(`${complaint.subject} ${complaint.detail}`, complaint);
  }
  const [first, ...more] = complaints.values();
  return new RestError([first ?? { code: 'contentInvalid', subject: '' }, ...more]);
}

function complaintOf(error: ErrorObject, part: HttpPart): Complaint {
  const field = fieldOf(error);
  const missing = error.keyword === 'required';
  if (part === 'body') {
    if (field === '') return { code: 'contentInvalid', subject: '', detail: `the body ${wordsOf(error)}` };
    return { code: 'contentInvalid', subject: field, detail: wordsOf(error) };
  }
  if (missing) return { code: 'parameterMissing', subject: field };
  return { code: 'parameterValidation', subject: `${field} ${wordsOf(error)}` };
}

/** `replicaTaskObjects[0].localRepoName` */
function fieldOf({ instancePath, keyword, params }: ErrorObject): string {
  const names = instancePath
    .split('/')
    .slice(1)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (keyword === 'required') names.push(String(params['missingProperty']));
  return names.reduce((path, name) => {
    if (/^\d+$/.test(name)) return `${path}[${name}]`;
    return path === '' ? name : `${path}.${name}`;
  }, '');
}

function wordsOf({ keyword, params, message }: ErrorObject): string {
  const limit = String(params['limit']);
  switch (keyword) {
    case 'required':
      return 'is missing';
    case 'type':
      return `must be ${typeWords([params['type']].flat())}`;
    case 'enum':
      return clipped(`must be one of ${values(params['allowedValues']).join(', ')}`);
    case 'maxItems':
      return `has more than ${limit} items`;
    case 'maxLength':
      return `is longer than ${limit} characters`;
    default:
      return clipped(message ?? 'is not valid');
  }
}

/** Null is as good as absent everywhere, so it is not mentioned. */
function typeWords(types: readonly unknown[]): string {
  const named = types
    .filter((type) => type !== 'null')
    .map((type) => (type === 'number' ? 'a number' : article(String(type))));
  return named.join(' or ');
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

function values(allowed: unknown): readonly string[] {
  return Array.isArray(allowed) ? allowed.filter((value) => value !== null).map(String) : [];
}

function clipped(text: string): string {
  return text.length <= MAX_WORDS ? text : `${text.slice(0, MAX_WORDS)}…`;
}
