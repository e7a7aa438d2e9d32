/** OHPM packages: served by the same service as npm, with `.har` tarballs and, for shared packages, an `.hsp` beside. */
import type { RepositoryBuilder } from '../repository-builder.ts';
import { zip } from './archives.ts';
import { type NpmOptions, publish } from './npm.ts';
import type { PutResult } from './version.ts';

export interface OhpmOptions extends NpmOptions {
  /** true = a shared package: an `.hsp` lies beside the `.har`. */
  readonly shared?: boolean;
}

export async function putOhpm(
  repository: RepositoryBuilder,
  name: string,
  version: string,
  options: OhpmOptions = {},
): Promise<PutResult> {
  const flavour = { type: 'OHPM', extension: 'har', descriptionFile: 'oh-package.json5' } as const;
  const put = await publish(repository, flavour, name, version, options);
  const base = `/${name}/${options.layout ?? '-'}/${name}-${version}`;
  const more = [`${base}/README.md`, ...(options.shared === true ? [`${base}.hsp`] : [])];
  for (const path of more)
    await repository.putFile(
      path,
      path.endsWith('.hsp') ? zip({ 'module.json': `{"name":"${name}"}` }) : `# ${name}\n`,
    );
  return { ...put, paths: [...put.paths, ...more] };
}
