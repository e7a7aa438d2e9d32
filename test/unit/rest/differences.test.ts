import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';

import { DIFFERENCES, documented } from '../../integration/rest/differences.ts';

it('docs/rest.md tells every difference from the captured answers, and no other', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/rest.md'), 'utf8');
  const [, table = ''] = /Why \|\n\| --- \| --- \| --- \| --- \|\n([\s\S]*?)\n\n"HEAD"/.exec(text) ?? [];
  assert.deepEqual(table.split('\n'), DIFFERENCES.map(documented));
});
