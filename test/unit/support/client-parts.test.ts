import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { npmPart, pipPart } from '../../support/assets/client-on-path.ts';
import { cranePart, helmPart } from '../../support/assets/client-part.ts';
import { mavenPart } from '../../support/assets/maven-part.ts';
import { type Part, WayFailed } from '../../support/assets/way.ts';
import { tempDirFor } from '../../support/tempdir.ts';
import { program } from './programs.ts';

type Parts = (environment: NodeJS.ProcessEnv) => Part<string>;

const quiet = (): void => undefined;

const CLIENTS: readonly {
  readonly name: string;
  readonly part: Parts;
  readonly file: string;
  readonly prints: string;
  readonly version: string;
  readonly variable?: string;
}[] = [
  {
    name: 'maven',
    part: mavenPart,
    file: 'mvn',
    prints: 'Apache Maven 3.9.9 (abc)',
    version: '3.9.9',
    variable: 'BKREPO_REPLICATOR_MVN',
  },
  { name: 'npm', part: npmPart, file: 'npm', prints: '11.2.0', version: '11.2.0' },
  { name: 'pip', part: pipPart, file: 'python3', prints: 'pip 25.1 from /somewhere', version: '25.1' },
  {
    name: 'helm',
    part: helmPart,
    file: 'helm',
    prints: 'v3.17.0',
    version: '3.17.0',
    variable: 'BKREPO_REPLICATOR_HELM',
  },
  {
    name: 'crane',
    part: cranePart,
    file: 'crane',
    prints: '0.20.3',
    version: '0.20.3',
    variable: 'BKREPO_REPLICATOR_CRANE',
  },
];

for (const { name, part, file, prints, version, variable } of CLIENTS) {
  describe(`the ${name} of the user`, () => {
    test('is taken from PATH', async (t) => {
      const onPath = await program(await tempDirFor(t, 'parts'), file, prints);
      const found = await part({ PATH: join(onPath, '..') }).fromUser(quiet);
      assert.deepEqual({ paths: found.paths, version: found.version }, { paths: onPath, version });
    });

    test('is refused when it does not say what it is', async (t) => {
      const onPath = await program(await tempDirFor(t, 'parts'), file, 'hello');
      await assert.rejects(part({ PATH: join(onPath, '..') }).fromUser(quiet), (error) => {
        assert.ok(error instanceof WayFailed);
        assert.match(error.message, new RegExp(`${file}.* does not name a version`));
        return true;
      });
    });

    test('that is missing is a reason with its name', async () => {
      const nowhere = part({ PATH: '/nowhere' });
      await assert.rejects(nowhere.fromUser(quiet), (error) => {
        assert.ok(error instanceof WayFailed);
        assert.match(error.message, new RegExp(`no ${file} on PATH$`));
        return true;
      });
      assert.equal(nowhere.suppliers.length, 2, 'four ways in all');
    });

    if (variable === undefined) return;
    test('named by the variable goes before the one on PATH', async (t) => {
      const directory = await tempDirFor(t, 'parts');
      await program(directory, file, 'hello');
      const named = await program(join(directory, 'mine'), 'mine', prints);
      const found = await part({ PATH: directory, [variable]: named }).fromUser(quiet);
      assert.deepEqual(found, { paths: named, version, where: `${variable}=${named}` });
    });
  });
}

test('an old Maven is refused', async (t) => {
  const directory = await tempDirFor(t, 'parts');
  await program(directory, 'mvn', 'Apache Maven 3.3.9 (abc)');
  await assert.rejects(mavenPart({ PATH: directory }).fromUser(quiet), /mvn is 3\.3\.9, older than 3\.6\.0/);
});

const WITHOUT: readonly {
  readonly what: string;
  readonly part: Parts;
  readonly way: number;
  readonly reason: RegExp;
}[] = [
  { what: 'Maven is not downloaded without a Java', part: mavenPart, way: 0, reason: /^there is no Java: / },
  { what: 'helm is not built without Go', part: helmPart, way: 1, reason: /^no go on PATH$/ },
  { what: 'crane is not built without Go', part: cranePart, way: 1, reason: /^no go on PATH$/ },
  { what: 'npm is not fetched', part: npmPart, way: 1, reason: /install Node with npm$/ },
  { what: 'pip is not fetched', part: pipPart, way: 1, reason: /install Python with pip$/ },
];
for (const { what, part, way, reason } of WITHOUT)
  test(`${what}, which is said`, async (t) => {
    const into = await tempDirFor(t, 'parts');
    await assert.rejects(Promise.resolve(part({ PATH: '/nowhere' }).suppliers[way]?.supply(into, quiet)), (error) => {
      assert.ok(error instanceof WayFailed);
      assert.match(error.message, reason);
      return true;
    });
  });
