import assert from 'node:assert/strict';
import { test } from 'node:test';

import { endpointUrl, shownPath } from '../../../../src/rest/server/request-url.ts';

test('an endpoint is found below every prefix, with slashes repeated, and with its query as it was', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['/api/task/create', '/api/task/create'],
    ['/replication/api/task/create', '/api/task/create'],
    ['/replication//api/task/cluster', '/api/task/cluster'],
    ['/web/replication/api/task/create', '/api/task/create'],
    ['/api/replication/api/task/create', '/api/task/create'],
    ['//replication///api//task/create', '/api/task/create'],
    ['//web//replication//api/task/create/', '/api/task/create/'],
    ['/replication', '/'],
    ['/replication/', '/'],
    ['/replication?a=1', '/?a=1'],
    ['/replicationx/api', '/replicationx/api'],
    ['/api/replicationx', '/api/replicationx'],
    ['/web/api/task', '/web/api/task'],
    ['/replication/replication/api', '/replication/api'],
    ['/replication/api/cluster/tryConnect?name=a//b?c', '/api/cluster/tryConnect?name=a//b?c'],
    ['/api/task/info/a%2Fb', '/api/task/info/a%2Fb'],
    ['/api/task/info/../../x', '/api/task/info/../../x'],
    ['http://host:1/replication/api?x=http://y//z', '/api?x=http://y//z'],
    ['*', '*'],
    ['', '/'],
  ];
  for (const [url, endpoint] of cases) assert.equal(endpointUrl(url), endpoint, url);
});

test('what is shown of a url has no query and an end', () => {
  assert.equal(shownPath('/replication//api/x?password=secret'), '/replication//api/x');
  assert.equal(shownPath(`/${'a'.repeat(1_000)}`).length, 257);
});
