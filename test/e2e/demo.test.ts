import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

interface Line {
  readonly equal: boolean;
  readonly farSides: readonly {
    readonly cluster: string;
    readonly files: number;
    readonly bytes: number;
    readonly equal: boolean;
  }[];
  readonly types: Readonly<
    Record<string, { readonly files: number; readonly versions: number; readonly equal: boolean }>
  >;
  readonly secondRun: { readonly files: number; readonly bytes: number };
}

/** What there is at least, however many packages this project depends on and wherever Maven artifacts come from. */
const LEAST: Readonly<Record<string, { readonly files: number; readonly versions: number }>> = {
  GENERIC: { files: 300, versions: 0 },
  MAVEN: { files: 100, versions: 20 },
  NPM: { files: 60, versions: 20 },
  OCI: { files: 10, versions: 5 },
};
/** Milliseconds. */
const PATIENCE = 240_000;

/** Answers the line of JSON, and what it says besides. */
async function demo(...args: readonly string[]): Promise<{ readonly line: unknown; readonly stderr: string }> {
  const { MONGODB_URI: _own, ...env } = process.env;
  const child = spawn('npm', ['run', '--silent', 'demo', '--', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
    timeout: PATIENCE,
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  assert.equal(code, 0, stderr.slice(-4_000));
  const lines = stdout.trimEnd().split('\n');
  assert.ok(lines.length <= 2, `besides the version of node there is only the line of JSON: ${stdout}`);
  return { line: JSON.parse(lines.at(-1) ?? ''), stderr };
}

test('npm run demo copies files and packages to both far sides, copies one changed file again, and says so in a final line of JSON', async () => {
  const { line, stderr } = await demo();
  const { equal, farSides, types, secondRun } = line as Line;
  assert.equal(equal, true);
  assert.deepEqual(
    farSides.map((side) => [side.cluster, side.equal]),
    [
      ['shanghai', true],
      ['shenzhen', true],
    ],
  );
  for (const { files, bytes } of farSides) {
    assert.ok(files > 300, `${files} files`);
    assert.ok(bytes > 200_000_000, `${bytes} bytes`);
  }
  assert.deepEqual(Object.keys(types), Object.keys(LEAST));
  for (const [type, { files, versions, equal: same }] of Object.entries(types)) {
    assert.equal(same, true, type);
    const least = LEAST[type];
    assert.ok(least !== undefined && files >= least.files, `${type}: ${files} files`);
    assert.ok(versions >= least.versions, `${type}: ${versions} versions`);
  }
  const sum = Object.values(types).reduce((total, { files }) => total + files, 0);
  assert.deepEqual(
    farSides.map(({ files }) => files),
    [sum, sum],
  );
  assert.equal(secondRun.files, 1);
  assert.ok(secondRun.bytes > 0 && secondRun.bytes < 1_000, `${secondRun.bytes} bytes`);
  assert.match(stderr, /Everything is equal\./);
});

interface FollowedLine extends Omit<Line, 'secondRun'> {
  readonly lagMsP50: number;
  readonly lagMsP99: number;
  readonly events: number;
}

test('npm run demo -- --realtime writes to the source while it is followed, and tells how far behind the far sides were', async () => {
  const { line, stderr } = await demo('--realtime');
  const { equal, farSides, types, lagMsP50, lagMsP99, events } = line as FollowedLine;
  assert.equal(equal, true);
  assert.deepEqual(
    farSides.map((side) => [side.cluster, side.equal]),
    [
      ['shanghai', true],
      ['shenzhen', true],
    ],
  );
  assert.deepEqual(Object.keys(types), Object.keys(LEAST));
  for (const [type, { files, equal: same }] of Object.entries(types)) assert.ok(same && files > 0, type);
  // Each kind of write at least; how many more and how fast is the machine's.
  assert.ok(Number.isInteger(events) && events >= 11, `${events} events`);
  assert.ok(lagMsP50 > 0 && lagMsP99 >= lagMsP50, `${lagMsP50} ms, ${lagMsP99} ms`);
  for (const kind of ['rename', 'folder rename', 'delete', 'metadata', 'npm publish', 'npm unpublish'])
    assert.match(stderr, new RegExp(`\\n${kind} +\\d+ +\\d+ ms`), kind);
  assert.match(stderr, /EVENTS +LAG P50 +LAG P99 +WORST +EQUAL\nshanghai +\d+ .* yes\nshenzhen +\d+ .* yes/);
});
