/** Requests of an API by its OpenAPI document: valid, nearly valid and hostile ones. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';

import { fitting, HOSTILE_TEXTS, hostileValue, type Schema, spoilt } from './values.ts';

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

export interface FuzzRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string | Buffer | undefined;
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH', 'LOCK'];
const PREFIXES = ['', '/replication', '/web/replication', '/api/replication', '/replication/', '//', '/replication/..'];
const CONTENT_TYPES = [
  'application/json;charset=UTF-8',
  'application/json; charset=utf-16',
  'application/json; charset="',
  'application/x-www-form-urlencoded',
  'application/xml',
  'multipart/form-data; boundary=x',
  'text/plain',
  '*/*',
  'json',
  '',
  'application/json\u00ff',
];
const LARGE = `{"name":"${'a'.repeat(1_000_000)}"}`;
const BODIES: readonly (string | Buffer)[] = [
  '',
  'nonsense',
  '{',
  '"',
  'null',
  '0',
  '[]',
  '{}',
  '{"name":"far","name":"shanghai"}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"name":1e999,"pageSize":-0}',
  '{"name":"\\ud800"}',
  '\ufeff{"name":"far"}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"name":'.repeat(9_000)}0${'}'.repeat(9_000)}`,
  `{${Array.from({ length: 3_000 }, (_, index) => `"k${index}":${index}`).join(',')}}`,
  LARGE,
  Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  Buffer.from('{"name":"far"}', 'utf16le'),
  gzipSync('{"name":"far"}'),
];

/** Names of headers that mean something to the server, with what they may be told. */
const HEADERS: Readonly<Record<string, readonly string[]>> = {
  'accept-language': ['zh-CN', 'zh-TW;q=0.1', 'en;q=x', ','.repeat(500), '*'],
  'x-bkrepo-time-zone': ['+0800', '+99:99', 'Mars/Base', '-', 'x'.repeat(300)],
  b3: ['d1324a8060801a5a497873f27f8c9272-1234567890123456-1', '0', '-', 'x'.repeat(300)],
  traceparent: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', '00-0-0-0', 'ff'],
  'if-match': ['"x"', '*', 'W/"1"', '"uid-1-1", "uid-2-1"', '"'],
  'content-encoding': ['gzip', 'deflate', 'br', 'identity', 'odd'],
  authorization: ['Basic', 'Basic !!!', 'Bearer x', 'Platform eDp5', 'Digest a="b"'],
  'x-http-method-override': ['DELETE'],
  origin: ['null', 'http://evil.example'],
  accept: ['text/html', 'application/xml', 'x'],
  expect: ['100-continue', 'wonders'],
  range: ['bytes=0-1'],
  host: ['', 'x:y', '../..'],
};

/** One of all operations, and how it is sent; `words` are names and ids of what there is. */
export function requests({ paths }: OpenApi, words: readonly string[]): fc.Arbitrary<FuzzRequest> {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => requestOf(path, method.toUpperCase(), operation, words)),
  );
  return fc.oneof(...operations);
}

function requestOf(
  path: string,
  method: string,
  { parameters = [], requestBody }: Operation,
  words: readonly string[],
): fc.Arbitrary<FuzzRequest> {
  const schema = requestBody?.content['application/json']?.schema;
  const url = fc
    .tuple(rarely(fc.constantFrom(...PREFIXES), ''), pathOf(path, parameters, words), queryOf(parameters, words))
    .map((parts) => parts.join(''));
  return fc
    .record({
      method: rarely(fc.constantFrom(...METHODS), method),
      url,
      body: schema === undefined ? rarely(fc.constantFrom(...BODIES), undefined) : bodyOf(schema, words),
      contentType: rarely(fc.constantFrom(...CONTENT_TYPES), 'application/json'),
      headers: headers(),
    })
    .map(({ method: verb, url: target, body, contentType, headers: more }) => ({
      method: verb,
      url: target,
      headers: body === undefined ? more : { 'content-type': contentType, ...more },
      payload: body,
    }));
}

function rarely<T, U>(odd: fc.Arbitrary<T>, usual: U): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: odd });
}

function oneText(schema: Schema, words: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fitting(schema, words).map(String) },
    { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  );
}

function pathOf(path: string, parameters: readonly Parameter[], words: readonly string[]): fc.Arbitrary<string> {
  const named = parameters.filter((parameter) => parameter.in === 'path');
  const ids = words.filter((word) => /^[0-9a-f]{24,}$/u.test(word));
  const value = ({ name, schema }: Parameter): fc.Arbitrary<string> =>
    oneText(schema, name === 'projectId' ? words : ids);
  return fc.tuple(...named.map((parameter) => fc.tuple(value(parameter), fc.boolean()))).map((values) =>
    named.reduce((text, { name }, index) => {
      const [given = '', raw = false] = values[index] ?? [];
      return text.replace(`{${name}}`, () => (raw ? plain(given) : escaped(given)));
    }, path),
  );
}

/** As somebody would write it who does not escape; what no HTTP client sends is escaped yet. */
function plain(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]|[?#]/gu, (character) => escaped(character));
}

function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function queryOf(parameters: readonly Parameter[], words: readonly string[]): fc.Arbitrary<string> {
  const named = parameters.filter((parameter) => parameter.in === 'query');
  const entries = named.map(({ name, schema, required = false }) =>
    fc.option(
      fc.oneof(
        { weight: 8, arbitrary: oneText(schema, words).map((value) => `${name}=${escaped(value)}`) },
        { weight: 1, arbitrary: fc.constantFrom(name, `${name}[]=1`, `${name}=1&${name}=2`, `${name}=%zz`) },
      ),
      { freq: required ? 9 : 2, nil: undefined },
    ),
  );
  const more = rarely(fc.constantFrom('__proto__=1', '=', '&&&', 'a[b]=c', `x=${'y'.repeat(4_000)}`), undefined);
  return fc.tuple(...entries, more).map((given) => {
    const query = given.filter((entry) => entry !== undefined).join('&');
    return query === '' ? '' : `?${query}`;
  });
}

function bodyOf(schema: Schema, words: readonly string[]): fc.Arbitrary<string | Buffer | undefined> {
  const value = fitting(schema, words);
  return fc.oneof(
    { weight: 4, arbitrary: value.map((whole) => JSON.stringify(whole)) },
    { weight: 5, arbitrary: spoilt(value).map((whole) => JSON.stringify(whole)) },
    { weight: 1, arbitrary: hostileValue.map((whole) => JSON.stringify(whole)) },
    { weight: 1, arbitrary: fc.constantFrom(...BODIES, undefined) },
  );
}

function headers(): fc.Arbitrary<Readonly<Record<string, string>>> {
  const known = Object.entries(HEADERS).map(([name, values]) =>
    fc.constantFrom(...values).map((value) => [name, value] as const),
  );
  const flood = fc.constant(Array.from({ length: 500 }, (_, index) => [`x-h${index}`, 'a'] as const));
  return fc
    .oneof(
      { weight: 12, arbitrary: fc.constant([]) },
      { weight: 6, arbitrary: fc.array(fc.oneof(...known), { minLength: 1, maxLength: 3 }) },
      { weight: 1, arbitrary: flood },
    )
    .map((entries) => Object.fromEntries(entries));
}

/** For a person, to have it again. */
export function asCurl({ method, url, headers: given, payload }: FuzzRequest): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const body = typeof payload === 'string' ? payload : payload?.toString('latin1');
  return [
    'curl',
    '-X',
    method,
    ...Object.entries(given).flatMap(([name, value]) => ['-H', quoted(`${name}: ${value}`)]),
    ...(body === undefined ? [] : ['--data-binary', quoted(body.slice(0, 2_000))]),
    quoted(`http://HOST${url}`),
  ].join(' ');
}
