import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Validator } from '@seriousme/openapi-schema-validator';

import { type Route, success } from '../../../../src/rest/http.ts';
import { restServer } from '../../../support/rest-server.ts';

const ENVELOPE = { type: 'object', properties: { code: { type: 'integer' }, data: { type: ['object', 'null'] } } };

const routes: readonly Route[] = [
  (app) => {
    app.post(
      '/api/task/:id',
      {
        schema: {
          tags: ['task'],
          summary: 'Creates',
          params: { type: 'object', properties: { id: { type: 'string' } } },
          body: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: ['string', 'null'], examples: ['far'] } },
          },
          querystring: { type: 'object', properties: { page: { type: 'integer' } } },
          response: { 200: ENVELOPE },
        },
      },
      async (request) => success(request, null),
    );
    app.get('/api/task/:id', { schema: { tags: ['task'] } }, async (request) => success(request, null));
  },
];

test('the description is OpenAPI 3.1 and has every route once, and nothing else', async (t) => {
  const app = restServer({ routes });
  t.after(async () => await app.close());
  for (const url of ['/openapi.json', '/replication/openapi.json', '/docs/json']) {
    const document = (await app.inject(url)).json();
    const { valid, errors } = await new Validator().validate(document);
    assert.equal(valid, true, JSON.stringify(errors));
    assert.deepEqual(
      Object.entries(document.paths).map(([path, operations]) => [path, Object.keys(operations as object)]),
      [['/api/task/{id}', ['post', 'get']]],
    );
    assert.deepEqual(document.security, [{ basic: [] }, { bearer: [] }]);
    const { schema } = document.paths['/api/task/{id}'].post.requestBody.content['application/json'];
    assert.deepEqual(schema.properties.name, { type: ['string', 'null'], examples: ['far'] });
    const root = new URL(document.servers[0].url, `http://host/base${url}`);
    assert.equal(root.pathname, `/base${url.replace(/(?:openapi|docs\/json)(?:\.json)?$/, '')}`);
  }
});

test('the page needs no other host and nothing inline, and finds its files below every prefix', async (t) => {
  const app = restServer({ routes });
  t.after(async () => await app.close());
  const moved = await app.inject('/replication/docs');
  assert.deepEqual([moved.statusCode, moved.headers.location], [302, 'docs/']);
  for (const base of ['/replication/docs/', '/web/replication/docs/', '/docs/']) {
    const page = await app.inject(base);
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:/);
    assert.doesNotMatch(page.body, /<script>|https?:\/\/|style=/);
    const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => String(file));
    assert.ok(files.length >= 5);
    for (const file of files) {
      const found = await app.inject(new URL(file, `http://host${base}`).pathname);
      assert.equal(found.statusCode, 200, file);
    }
  }
});
