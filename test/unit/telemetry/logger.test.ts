import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';

import { createLogger, type LogFormat, type Logger, type LogLevel } from '../../../src/telemetry/logger.ts';

function setUp(level: LogLevel = 'debug', format: LogFormat = 'json'): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  return { lines, logger: createLogger({ level, format, destination: { write: (line) => lines.push(line) } }) };
}

function fieldsOf(line: string | undefined): Record<string, unknown> {
  return JSON.parse(line ?? '{}') as Record<string, unknown>;
}

test('a line holds time, level, message, and the fields of the logger and of the call', () => {
  const { logger, lines } = setUp();
  logger
    .child({ controller: 'cluster' })
    .child({ namespace: 'team-a' })
    .info('far side healthy', { name: 'far', n: 3 });
  const line = fieldsOf(lines[0]);
  assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  delete line['time'];
  assert.deepEqual(line, {
    level: 'info',
    msg: 'far side healthy',
    controller: 'cluster',
    namespace: 'team-a',
    name: 'far',
    n: 3,
  });
});

test('levels below the chosen one are left out', () => {
  const { logger, lines } = setUp('warn');
  logger.debug('a');
  logger.info('b');
  logger.warn('c');
  logger.error('d');
  assert.deepEqual(
    lines.map((line) => fieldsOf(line)['level']),
    ['warn', 'error'],
  );
});

test('text lines stay one line each', () => {
  const { logger, lines } = setUp('debug', 'text');
  logger.warn('push failed', { name: 'far', note: 'two words\nand a line end', n: 1 });
  assert.match(lines[0] ?? '', /^\S+Z WARN {2}push failed name=far note="two words\\nand a line end" n=1\n$/);
});

test('pretty lines have colours for a terminal only, and the stack of an error below them', () => {
  for (const isTTY of [false, true]) {
    const lines: string[] = [];
    const destination = { isTTY, write: (line: string) => lines.push(line) };
    const logger = createLogger({ level: 'debug', format: 'pretty', destination });
    logger.warn('push failed', { name: 'far', error: new Error('no answer') });
    assert.equal(lines[0]?.includes('\u001b[33mWARN'), isTTY);
    assert.match(
      stripVTControlCharacters(lines[0] ?? ''),
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}push failed name=far error=\{"name":"Error","message":"no answer"\}\n {4}at /,
    );
  }
});

test('secrets are taken out of names, URLs, headers, errors and nested values', () => {
  const secret = 'hunter2-hunter2';
  const basic = Buffer.from(`admin:${secret}`).toString('base64');
  for (const format of ['json', 'text', 'pretty'] as const) {
    const { logger, lines } = setUp('debug', format);
    logger.child({ password: secret }).info('x', {
      url: `https://admin:${secret}@far.example/generic`,
      headers: { authorization: `Basic ${basic}`, Cookie: secret, 'content-type': 'a/b' },
      deep: { more: [{ accessToken: secret, userPassword: secret }] },
      cutThere: `${'x'.repeat(2_030)} https://admin:${secret}@far.example`,
      words: `sent Authorization: Basic ${basic} and Bearer ${secret}`,
      error: new Error(`GET https://admin:${secret}@far.example failed`, {
        cause: new Error(`header was Bearer ${secret}`),
      }),
    });
    assert.equal(lines.length, 1);
    assert.ok(!lines[0]?.includes(secret), lines[0]);
    assert.ok(!lines[0]?.includes(basic), lines[0]);
    assert.ok(lines[0]?.includes('far.example'), 'what is not secret stays');
    assert.ok(lines[0]?.includes('a/b'));
  }
});

test('an error is told with its code, reason and chain of causes', () => {
  const { logger, lines } = setUp();
  const root = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const error = Object.assign(new Error('GET /x: no answer', { cause: root }), { code: 0, reason: 'Unreachable' });
  logger.error('x', { error });
  const told = fieldsOf(lines[0])['error'] as Record<string, unknown>;
  assert.equal(told['code'], 0);
  assert.equal(told['reason'], 'Unreachable');
  assert.equal(told['message'], 'GET /x: no answer');
  assert.match(String(told['stack']), /logger\.test\.ts/);
  assert.deepEqual(told['cause'], { name: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' });
});

test('whatever is logged, a line is bounded', () => {
  const { logger, lines } = setUp();
  const cyclic: Record<string, unknown> = { name: 'loop' };
  cyclic['self'] = cyclic;
  let chain = new Error('root');
  for (let i = 0; i < 1_000; i += 1) chain = new Error('x'.repeat(100_000), { cause: chain });
  logger.info('x', {
    text: 'y'.repeat(1_000_000),
    list: Array.from({ length: 100_000 }, (_, i) => ({ i })),
    bytes: Buffer.alloc(1_000_000),
    wide: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i])),
    cyclic,
    chain,
    many: new AggregateError(
      Array.from({ length: 10_000 }, () => new Error('z')),
      'many',
    ),
    big: 10n ** 20n,
    at: new Date(Number.NaN),
  });
  assert.equal(lines.length, 1);
  assert.ok((lines[0]?.length ?? 0) < 40_000, String(lines[0]?.length));
  const line = fieldsOf(lines[0]);
  assert.equal(line['big'], '100000000000000000000');
  assert.equal(line['bytes'], '[1000000 bytes]');
});
