/** The demo of tasks that run: everything is copied, then one file is changed and it alone crosses in a second run. */
import { CHANGED_FILE, changeOneFile, fillSource } from './content.ts';
import { crossedSince, noteBefore } from './crossed.ts';
import type { Outcome } from './outcome.ts';
import { fillPackages } from './packages/fill.ts';
import { finishedRuns } from './progress.ts';
import { NAMES, PROJECT, REPOSITORIES, type Report, type Sides } from './sides.ts';
import { compareFarSides, table } from './verdict.ts';

export async function runTwice(sides: Sides, report: Report): Promise<Outcome> {
  const { source, farSides, builder, stage } = sides;
  const files = await builder.repository(PROJECT, NAMES.GENERIC);
  await fillSource(files, report);
  await fillPackages(builder, PROJECT, NAMES, report);

  await sides.apply({ setting: { conflictStrategy: 'OVERWRITE' } });
  await finishedRuns(stage, report, 1);
  const first = await compareFarSides(source, farSides, REPOSITORIES);
  report(`\nAfter the first run, read back by the demo itself:\n${table(first)}`);

  const before = await noteBefore(farSides);
  await changeOneFile(files);
  await stage.requestRun();
  await finishedRuns(stage, report, 2);
  const second = await compareFarSides(source, farSides, REPOSITORIES);
  report(`\nAfter changing ${CHANGED_FILE} and the second run:\n${table(second)}`);
  const crossed = await crossedSince(before, farSides);
  report(
    `crossed in the second run: ${crossed.paths.join(', ') || 'nothing'} (${crossed.bytes} bytes) to each far side`,
  );
  if (crossed.versions.length > 0) report(`written again without need: versions ${crossed.versions.join(', ')}`);
  report(`\n${await stage.show()}`);
  const only =
    crossed.paths.length === 1 && crossed.paths[0] === `generic-backup${CHANGED_FILE}` && crossed.versions.length === 0;
  return {
    equal: [...first, ...second].every((verdict) => verdict.equal) && only,
    verdicts: second,
    more: { secondRun: { files: crossed.paths.length, bytes: crossed.bytes } },
  };
}
