import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CODES, type CodeName, type Complaint } from '../../../../src/rest/codes.ts';
import { chooseLanguage, LANGUAGES } from '../../../../src/rest/server/languages.ts';
import { messageOf } from '../../../../src/rest/server/messages.ts';

test('the language is what the caller reads best and there are texts in', () => {
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'en'],
    ['', 'en'],
    ['en-GB', 'en'],
    ['zh', 'zh-CN'],
    ['zh-CN', 'zh-CN'],
    ['zh_CN', 'zh-CN'],
    ['ZH-cn', 'zh-CN'],
    ['zh-SG', 'zh-CN'],
    ['zh-Hans-TW', 'zh-CN'],
    ['zh-TW', 'zh-TW'],
    ['zh_TW', 'zh-TW'],
    ['zh-Hant', 'zh-TW'],
    ['zh-HK', 'zh-TW'],
    ['zh-CN,zh;q=0.9,en;q=0.8', 'zh-CN'],
    ['en;q=0.1, zh-TW;q=0.9', 'zh-TW'],
    ['ja, fr;q=0.9, zh-CN;q=0.2', 'zh-CN'],
    ['ja, fr', 'en'],
    ['*', 'en'],
    ['ja, *;q=0.5, zh;q=0.4', 'en'],
    ['zh-CN;q=0', 'en'],
    ['zh-CN;q=2', 'en'],
    ['zh-CN;q=abc', 'en'],
    ['zh-CN ; q = 0.5', 'zh-CN'],
    [`${'x,'.repeat(400)}zh-CN`, 'en'],
    [';;;,,,=', 'en'],
  ];
  for (const [header, language] of cases) assert.equal(chooseLanguage(header), language, String(header));
});

test('every code has a text of its own in every language', () => {
  for (const language of LANGUAGES) {
    const texts = (Object.keys(CODES) as CodeName[]).map((code) => messageOf([{ code, subject: 'x' }], language));
    assert.equal(new Set(texts.filter((text) => text.trim() !== '')).size, texts.length, language);
  }
});

test('English messages are the words of bk-repo', () => {
  const cases: readonly (readonly [Complaint, string])[] = [
    [{ code: 'parameterMissing', subject: 'name' }, 'Parameter [name] is missing'],
    [{ code: 'parameterEmpty', subject: 'name' }, 'Parameter [name] should not be empty'],
    [{ code: 'parameterInvalid', subject: 'url' }, 'Parameter [url] is invalid'],
    [{ code: 'resourceExisted', subject: 'rt1' }, 'Resource [rt1] existed'],
    [{ code: 'taskNotFound', subject: 'nope' }, 'replica task [nope] not found'],
    [{ code: 'clusterNotFound', subject: 'nope' }, 'cluster node [nope] is not found'],
    [{ code: 'clusterExists', subject: 'far' }, 'cluster node [far] is existed'],
    [{ code: 'centerExists', subject: '' }, 'cluster center node is existed'],
    [{ code: 'clusterConnectError', subject: 'far' }, 'remote cluster [far] connect error'],
    [{ code: 'taskStatusInvalid', subject: '' }, 'task status invalid'],
    [{ code: 'taskDisabled', subject: '' }, 'task enables is false'],
    [{ code: 'taskNotEditable', subject: 'k' }, 'task [k] disable update'],
    [{ code: 'denied', subject: 'Forbidden' }, 'Access denied: Forbidden'],
    [{ code: 'unauthenticated', subject: 'Unauthorized' }, 'Failed to authenticate: Unauthorized'],
    [{ code: 'contentInvalid', subject: '' }, 'Invalid request content'],
    [{ code: 'urlNotFound', subject: '/api/nope' }, 'Request url[/api/nope] not found'],
    [{ code: 'mediaTypeUnsupported', subject: '' }, 'Unsupported Media Type'],
  ];
  for (const [complaint, text] of cases) assert.equal(messageOf([complaint], 'en'), text);
});

test('several complaints are told together, and a subject fills its blank as it is', () => {
  assert.equal(
    messageOf(
      [
        { code: 'parameterInvalid', subject: 'name', detail: 'at most 256 characters' },
        { code: 'parameterEmpty', subject: 'replicaTaskObjects' },
        { code: 'contentInvalid', subject: 'a', detail: 'is missing' },
        { code: 'contentInvalid', subject: 'b', detail: 'must be a string' },
      ],
      'en',
    ),
    'Parameter [name] is invalid (at most 256 characters); Parameter [replicaTaskObjects] should not be empty; ' +
      'Invalid request content (a: is missing; b: must be a string)',
  );
  assert.equal(messageOf([{ code: 'taskNotFound', subject: "$&$'{}" }], 'en'), "replica task [$&$'{}] not found");
  assert.equal(messageOf([{ code: 'unavailable', subject: '' }], 'zh-CN'), '服务暂时不可用');
});

test('a message is bounded, whatever it is made of', () => {
  const complaints = Array.from({ length: 1_000 }, (_, index): Complaint => {
    return { code: 'parameterInvalid', subject: `${index}${'x'.repeat(1_000)}`, detail: 'y'.repeat(5_000) };
  });
  assert.ok(messageOf(complaints, 'en').length <= 8_193);
  const many = Array.from(
    { length: 40 },
    (_, index): Complaint => ({ code: 'parameterInvalid', subject: `f${index}` }),
  );
  assert.match(messageOf(many, 'en'), /Parameter \[f31\] is invalid; \+ 8$/);
});
