import assert from 'node:assert/strict';
import { test } from 'node:test';

import { traceId } from '../../../../src/rest/server/trace.ts';

const LONG = '0123456789abcdef0123456789abcdef';
const SHORT = '0123456789abcdef';
const NEW = 'f'.repeat(32);

test('the trace id is the one the caller sent, when it is one', () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{}, NEW],
    [{ b3: `${LONG}-00f067aa0ba902b7-1` }, LONG],
    [{ b3: `${SHORT}-00f067aa0ba902b7-1-05e3ac9a4f6e3b90` }, SHORT],
    [{ b3: LONG.toUpperCase() }, LONG],
    [{ b3: '0' }, NEW],
    [{ b3: `${'0'.repeat(32)}-00f067aa0ba902b7-1` }, NEW],
    [{ b3: 'x'.repeat(32) }, NEW],
    [{ b3: `${LONG}0-1-1` }, NEW],
    [{ 'x-b3-traceid': SHORT }, SHORT],
    [{ 'x-b3-traceid': '0'.repeat(16) }, NEW],
    [{ traceparent: `00-${LONG}-00f067aa0ba902b7-01` }, LONG],
    [{ traceparent: `01-${LONG}-00f067aa0ba902b7-01-more` }, LONG],
    [{ traceparent: `ff-${LONG}-00f067aa0ba902b7-01` }, NEW],
    [{ traceparent: `00-${SHORT}-00f067aa0ba902b7-01` }, NEW],
    [{ traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` }, NEW],
    [{ b3: 'bad', 'x-b3-traceid': 'bad', traceparent: `00-${LONG}-00f067aa0ba902b7-01` }, LONG],
    [{ b3: "1' or 1=1\n" }, NEW],
  ];
  for (const [headers, id] of cases)
    assert.equal(
      traceId(headers, () => NEW),
      id,
      JSON.stringify(headers),
    );
});
