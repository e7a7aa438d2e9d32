import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FarSide, World } from '../../support/world.ts';

const FILES = 100;
/** Seconds that the far side asks for. */
const WAIT_S = 2;
/** What was on its way when the first refusal came may still arrive. Milliseconds. */
const ON_ITS_WAY = 300;

let world: World;
before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: FILES }, (_, index) => ({ path: `/${index % 5}/${index}`, content: `content ${index}` })),
  );
});
after(() => world.stop());

/** Refuses `times` requests in a row from the `nth` on; tells when requests came, and when it refused first and last. */
function refusing(
  side: FarSide,
  nth: number,
  times: number,
  status: number,
  headers: Readonly<Record<string, string>>,
) {
  const came: number[] = [];
  const refused: number[] = [];
  side.proxy.setFault(() => {
    came.push(performance.now());
    if (came.length < nth || refused.length >= times) return undefined;
    refused.push(performance.now());
    return { kind: 'answer', status, headers };
  });
  return { came, refused };
}

for (const [what, status, headers, times] of [
  ['429 with Retry-After in seconds', 429, { 'retry-after': String(WAIT_S) }, 1],
  ['503 with Retry-After in seconds', 503, { 'retry-after': String(WAIT_S) }, 1],
  ['a storm of 429 without Retry-After', 429, {}, 60],
  ['a storm of 503', 503, {}, 60],
] as const)
  test(`${what}: the far side is left alone, the other is not, and both are equal in the end`, async (t) => {
    const name = what.replaceAll(/\W+/g, '-');
    const [east, west] = [await world.farSide(`east-${name}`), await world.farSide(`west-${name}`, { faithful: true })];
    const { came, refused } = refusing(east, 30, times, status, headers);
    const calm: number[] = [];
    west.proxy.setFault(() => {
      calm.push(performance.now());
      return undefined;
    });
    const { outcome } = await world.run([east, west], { patience: 60_000 });
    assert.deepEqual(
      outcome.farSides.map(({ tally, error }) => ({ success: tally.success, error })),
      [
        { success: FILES, error: undefined },
        { success: FILES, error: undefined },
      ],
    );
    assert.deepEqual(await world.differences(east), []);
    assert.deepEqual(await world.differences(west), []);
    assert.equal(refused.length, times);
    const [first = 0] = refused;
    if ('retry-after' in headers) {
      const asked = came.filter((at) => at > first + ON_ITS_WAY && at < first + WAIT_S * 1_000 - 50);
      assert.deepEqual(asked, [], `requests within the ${WAIT_S} s that were asked for`);
      assert.ok(
        calm.some((at) => at > first && at < first + WAIT_S * 1_000),
        'the other was served meanwhile',
      );
    } else {
      // Back-off grows from 20 ms: so many refusals are not collected at full speed, which would take a tenth of it.
      const lasted = (refused.at(-1) ?? 0) - first;
      t.diagnostic(`${times} refusals took ${Math.round(lasted)} ms`);
      assert.ok(lasted > 400, `${times} refusals were collected within ${lasted} ms`);
    }
  });
