import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as schema from '../../../../src/source/schema/indexes.ts';
import { fixtureIndexes, fixtureMissing } from '../../../support/bkrepo/fixture.ts';

describe('indexes', () => {
  it("are those of a real server's collections", { skip: fixtureMissing() }, async () => {
    const real = await fixtureIndexes();
    assert.deepEqual(
      {
        node_N: schema.NODE_INDEXES,
        file_reference_N: schema.FILE_REFERENCE_INDEXES,
        block_node_N: schema.BLOCK_NODE_INDEXES,
        project: schema.PROJECT_INDEXES,
        repository: schema.REPOSITORY_INDEXES,
        package: schema.PACKAGE_INDEXES,
        package_version: schema.PACKAGE_VERSION_INDEXES,
      },
      Object.fromEntries(
        ['node_N', 'file_reference_N', 'block_node_N', 'project', 'repository', 'package', 'package_version'].map(
          (family) => [family, real[family]],
        ),
      ),
    );
  });

  it('name the one that makes a live path unique', () => {
    const [first] = schema.NODE_INDEXES;
    assert.equal(first?.name, schema.NODE_FULL_PATH_INDEX);
    assert.equal(first?.unique, true);
  });
});
