import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { obtain } from '../../support/assets/chain.ts';
import { type Part, WayFailed } from '../../support/assets/way.ts';

/** How the ways of {@link partOf} behave: `give` supplies, `hang` begins to supply and never ends, `fail` does not lead there. */
export interface Ways {
  readonly user?: 'give' | 'fail';
  readonly download?: 'give' | 'fail' | 'hang';
  readonly registries?: 'give' | 'fail';
}

/** A small part whose ways do as told and write their names into `journal` when they are tried. */
export function partOf(ways: Ways, journal: string): Part<string> {
  const supplier = (name: string, how: 'give' | 'fail' | 'hang') => ({
    name,
    async supply(into: string) {
      await appendFile(journal, `${name}\n`);
      if (how === 'fail') throw new WayFailed(`${name} is closed today`);
      await writeFile(join(into, 'thing'), `made by ${name}`);
      await delay(how === 'hang' ? 60_000 : 150);
      return { version: '1.2.3' };
    },
  });
  return {
    name: 'thing',
    recipe: '1',
    async fromUser() {
      if (ways.user !== 'give') throw new WayFailed('THING is not set');
      return { paths: '/opt/thing', version: '9.9.9', where: '/opt/thing' };
    },
    suppliers: [supplier('download', ways.download ?? 'fail'), supplier('registries', ways.registries ?? 'fail')],
    pathsIn: (directory) => join(directory, 'thing'),
  };
}

if (process.argv[1] === import.meta.filename) {
  const [root = '', journal = '', ways = '{}'] = process.argv.slice(2);
  const part = partOf(JSON.parse(ways) as Ways, journal);
  const found = await obtain(part, root, (line) => void process.stderr.write(`${line}\n`), { pollMs: 20 });
  process.stdout.write(`${found.paths}\n`);
}
