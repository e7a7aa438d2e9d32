/** Fills one repository of each package type with real packages. */
import path from 'node:path';
import type { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { pushImages } from './images.ts';
import { deployArtifacts, fetchedArtifacts } from './maven.ts';
import { downloadedPackages, publishPackages } from './npm.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** `names`: repository by type. */
export async function fillPackages(
  builder: BkRepoBuilder,
  projectId: string,
  names: Readonly<Record<'MAVEN' | 'NPM' | 'OCI', string>>,
  report: (line: string) => void,
): Promise<void> {
  const npmPackages = await downloadedPackages(ROOT, report);
  const artifacts = await fetchedArtifacts(npmPackages, report);
  await publishPackages(await builder.repository(projectId, names.NPM, { type: 'NPM' }), npmPackages);
  await deployArtifacts(await builder.repository(projectId, names.MAVEN, { type: 'MAVEN' }), artifacts);
  await pushImages(await builder.repository(projectId, names.OCI, { type: 'OCI' }), npmPackages, artifacts);
  report(
    `filled the source with ${npmPackages.length} npm packages, ${artifacts.length} Maven artifacts, and images of both`,
  );
}
