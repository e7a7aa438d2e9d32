import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { type Route, success } from '../../../../src/rest/http.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { httpContext, REST_SETTINGS, restServer } from '../../../support/rest-server.ts';

test('what is logged while a request is served has its trace id, also behind a body, on one connection', async (t) => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json', destination: { write: (line) => lines.push(line) } });
  const route: Route = (app) => {
    app.post('/api/work', async (request) => {
      await new Promise((resolve) => setImmediate(resolve));
      logger.info('at work');
      return success(request, null);
    });
  };
  const settings = { ...REST_SETTINGS, bodyLimitBytes: 500_000 };
  const app = restServer({ routes: [route], settings, context: httpContext({ logger }) });
  t.after(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const ids = ['a', 'b', 'c'].map((digit) => digit.repeat(32));
  for (const id of ids) {
    const answer = await fetch(`http://127.0.0.1:${port}/api/work`, {
      method: 'POST',
      headers: { traceparent: `00-${id}-${'1'.repeat(16)}-01`, 'content-type': 'application/json' },
      body: JSON.stringify({ long: 'x'.repeat(200_000) }),
    });
    assert.equal(answer.status, 200, await answer.text());
  }
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { readonly traceId?: string }).traceId),
    ids,
  );
});
