/**
 * Reads the recorded exchanges of real servers (`../shared/captures` beside the project). Two notations: `>>>` requests
 * of a recording proxy, and `$ curl` lines whose arguments stand unquoted.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CAPTURES = join(import.meta.dirname, '../../../../shared/captures');

export interface Exchange {
  readonly file: string;
  readonly title: string;
  /** Milliseconds since the epoch; 0 for curl lines. */
  readonly time: number;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** undefined = the capture cut it. */
  readonly body: Buffer | undefined;
  readonly status: number;
  /** Parsed envelope; undefined when the answer is none. */
  readonly answer: Readonly<Record<string, unknown>> | undefined;
  readonly answerHeaders: Readonly<Record<string, string>>;
}

export function haveCaptures(): boolean {
  return existsSync(CAPTURES);
}

/** All exchanges of all proxy recordings, oldest first. */
export function wireExchanges(): readonly Exchange[] {
  const files = readdirSync(CAPTURES).filter((name) => name.startsWith('wire-'));
  return files
    .flatMap((name) => sections(name).flatMap((section) => wireExchange(name, section)))
    .sort((a, b) => a.time - b.time);
}

export function curlExchanges(name: string): readonly Exchange[] {
  return sections(name).map((section) => curlExchange(name, section));
}

function sections(name: string): readonly string[] {
  const text = readFileSync(join(CAPTURES, name), 'utf8').replaceAll('\r\n', '\n');
  return text.split(/^#### /m).slice(1);
}

function wireExchange(file: string, section: string): Exchange[] {
  const [requestText = '', answerText = ''] = section.split(/^<<< /m);
  const start = requestText.indexOf('>>> ');
  if (start < 0) return [];
  const [, stamp = ''] = /t=(\S+)/.exec(section) ?? [];
  const [head = '', ...rest] = requestText.slice(start + 4).split('\n\n');
  const [line = '', ...headerLines] = head.split('\n');
  const [method = '', url = ''] = line.split(' ');
  const headers = readHeaders(headerLines);
  const [answerHead = '', ...answerRest] = answerText.split('\n\n');
  const [status = '', ...answerHeaders] = answerHead.split('\n');
  return [
    {
      file,
      title: `${file} #${section.split(' ', 1)[0] ?? ''} ${method} ${url}`,
      time: Date.parse(stamp),
      method,
      url,
      headers,
      body: wireBody(headers, rest.join('\n\n').replace(/\n\n$/, '')),
      status: Number(status.slice(0, 3)),
      answer: envelope(answerRest.join('\n\n')),
      answerHeaders: readHeaders(answerHeaders),
    },
  ];
}

/** Forms get their line ends back; bytes that the recording could not show are replaced by as many others. */
function wireBody(headers: Readonly<Record<string, string>>, text: string): Buffer | undefined {
  const length = Number(headers['content-length'] ?? 0);
  if (length === 0) return Buffer.alloc(0);
  const [, boundary] = /boundary=(\S+)/.exec(headers['content-type'] ?? '') ?? [];
  if (boundary !== undefined) return multipart(text, boundary);
  if (headers['content-type']?.startsWith('application/octet-stream') === true) return Buffer.alloc(length, 'x');
  return text.includes('bytes in all]') ? undefined : Buffer.from(text);
}

function multipart(text: string, boundary: string): Buffer {
  const parts = text.split(`--${boundary}`).slice(1, -1);
  const chunks = parts.map((part) => {
    const [head = '', ...content] = part.replace(/^\n/, '').split('\n\n');
    const length = Number(/Content-Length: (\d+)/.exec(head)?.[1] ?? 0);
    const shown = Buffer.from(content.join('\n\n').replace(/\n$/, ''));
    const bytes = shown.length >= length ? shown.subarray(0, length) : Buffer.alloc(length, 'x');
    return Buffer.concat([
      Buffer.from(`--${boundary}\r\n${head.replaceAll('\n', '\r\n')}\r\n\r\n`),
      bytes,
      Buffer.from('\r\n'),
    ]);
  });
  return Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]);
}

/** What `@d.bin` and `@w.bin` of the curl lines held; of the second only the length is known. */
const FILES: Readonly<Record<string, Buffer>> = {
  '@d.bin': Buffer.from('0123456789'),
  '@w.bin': Buffer.from('wrong content!'),
};

function curlExchange(file: string, section: string): Exchange {
  const [title = '', command = '', ...answer] = section.split('\n');
  const [, , url = ''] = /http:\/\/127\.0\.0\.1:(\d+)(\S*)/.exec(command) ?? [];
  const [, data] = / -d (.*)$/.exec(command) ?? [];
  const options = data === undefined ? command : command.slice(0, command.indexOf(' -d '));
  const forms = [...options.matchAll(/ -F (\S+)/g)].map((match) => match[1] ?? '');
  const [, user] = / -u (\S+)/.exec(options) ?? [];
  const [, upload] = / --data-binary (\S+)/.exec(options) ?? [];
  const headers = readHeaders(
    [...options.matchAll(/ -H (.+?: .+?)(?= -[A-Za-z-]| http:)/g)].map((match) => match[1] ?? ''),
  );
  const form = forms.length === 0 ? undefined : curlForm(forms);
  const text = answer.join('\n');
  return {
    file,
    title,
    time: 0,
    method: / -X (\w+)/.exec(options)?.[1] ?? (form === undefined ? 'GET' : 'POST'),
    url,
    headers: {
      ...headers,
      ...(user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
      ...(form === undefined ? {} : { 'content-type': 'multipart/form-data; boundary=x-x-x' }),
    },
    body: form ?? (upload === undefined ? Buffer.from(data ?? '') : (FILES[upload] ?? Buffer.alloc(0))),
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]),
    answer: envelope(text.slice(Math.max(0, text.indexOf('\n{')))),
    answerHeaders: readHeaders(text.split('\n')),
  };
}

function curlForm(forms: readonly string[]): Buffer {
  const parts = forms.flatMap((form) => {
    const [, name = '', value = '', rest = ''] = /^(\w+)=([^;]*)(.*)$/.exec(form) ?? [];
    const fileName = /filename=([^;]+)/.exec(rest)?.[1];
    const disposition = `form-data; name="${name}"${fileName === undefined ? '' : `; filename="${fileName}"`}`;
    return [
      Buffer.from(`--x-x-x\r\nContent-Disposition: ${disposition}\r\n\r\n`),
      FILES[value] ?? Buffer.from(value),
      Buffer.from('\r\n'),
    ];
  });
  return Buffer.concat([...parts, Buffer.from('--x-x-x--\r\n')]);
}

function readHeaders(lines: readonly string[]): Readonly<Record<string, string>> {
  const pairs = lines.map((line) => /^([\w-]+): (.*)$/.exec(line)).filter((match) => match !== null);
  return Object.fromEntries(pairs.map((match) => [(match[1] ?? '').toLowerCase(), match[2] ?? '']));
}

function envelope(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'code' in value ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Where two answers differ in shape: keys and types. Null fits everything, an empty list every list. */
export function shapeDifferences(expected: unknown, actual: unknown, path = ''): string[] {
  if (expected === null || actual === null) return [];
  if (typeof expected !== typeof actual || Array.isArray(expected) !== Array.isArray(actual))
    return [`${path}: ${kind(actual)} instead of ${kind(expected)}`];
  if (Array.isArray(expected) && Array.isArray(actual))
    return expected.length === 0 || actual.length === 0 ? [] : shapeDifferences(expected[0], actual[0], `${path}[0]`);
  if (typeof expected !== 'object' || typeof actual !== 'object' || expected === undefined || actual === undefined)
    return [];
  if (path.endsWith('.metadata')) return [];
  const [left, right] = [expected as Record<string, unknown>, actual as Record<string, unknown>];
  const missing = Object.keys(left).filter((key) => !(key in right));
  const extra = Object.keys(right).filter((key) => !(key in left));
  return [
    ...missing.map((key) => `${path}.${key} is missing`),
    ...extra.map((key) => `${path}.${key} is extra`),
    ...Object.keys(left)
      .filter((key) => key in right)
      .flatMap((key) => shapeDifferences(left[key], right[key], `${path}.${key}`)),
  ];
}

function kind(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}
