/** Python distributions as `twine upload` leaves them: wheels and source archives that pip can install. */
import type { RepositoryBuilder } from '../repository-builder.ts';
import { tgz, zip } from './archives.ts';
import { entriesOf, hashOf } from './digests.ts';
import { type PutResult, putVersion } from './version.ts';

export interface PypiOptions {
  /** In the order of their upload. Default: a wheel and a source archive. */
  readonly files?: readonly ('wheel' | 'sdist')[];
  readonly summary?: string;
  readonly requires?: readonly string[];
  /** false = a server that keeps only the path of the last upload. Default true. */
  readonly multiArtifact?: boolean;
}

export async function putPypi(
  repository: RepositoryBuilder,
  name: string,
  version: string,
  options: PypiOptions = {},
): Promise<PutResult> {
  const summary = options.summary ?? `fixture ${name}`;
  const paths: string[] = [];
  for (const kind of options.files ?? ['wheel', 'sdist']) {
    const about = metadataFile(name, version, summary, options.requires ?? []);
    const file = kind === 'wheel' ? wheel(name, version, about) : sdist(name, version, about);
    const path = `/${name}/${version}/${file.name}`;
    paths.push(path);
    await putVersion(
      repository,
      { key: `pypi://${name}`, name, type: 'PYPI', description: summary },
      {
        name: version,
        size: file.content.length,
        artifactPath: path,
        artifactPaths: options.multiArtifact === false ? [path] : paths,
      },
    );
    await repository.putFile(path, file.content, {
      metadata: entriesOf({
        name,
        version,
        filetype: kind === 'wheel' ? 'bdist_wheel' : 'sdist',
        pyversion: kind === 'wheel' ? 'py3' : 'source',
        metadata_version: '2.1',
        summary,
        md5_digest: hashOf('md5', file.content),
        sha256_digest: hashOf('sha256', file.content),
      }),
    });
  }
  return { packageKey: `pypi://${name}`, version, paths };
}

interface Distribution {
  readonly name: string;
  readonly content: Buffer;
}

/** The name as file names of wheels and modules have it. */
function moduleOf(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '_');
}

function wheel(name: string, version: string, about: string): Distribution {
  const module = moduleOf(name);
  const info = `${module}-${version}.dist-info`;
  const files = {
    [`${module}/__init__.py`]: `VERSION = "${version}"\n`,
    [`${info}/METADATA`]: about,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: fixture\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
  };
  const record = Object.entries(files).map(([path, content]) => {
    const digest = Buffer.from(hashOf('sha256', content), 'hex').toString('base64url');
    return `${path},sha256=${digest},${Buffer.byteLength(content)}\n`;
  });
  return {
    name: `${module}-${version}-py3-none-any.whl`,
    content: zip({ ...files, [`${info}/RECORD`]: `${record.join('')}${info}/RECORD,,\n` }),
  };
}

function sdist(name: string, version: string, about: string): Distribution {
  const module = moduleOf(name);
  const root = `${module}-${version}`;
  return {
    name: `${root}.tar.gz`,
    content: tgz({
      [`${root}/PKG-INFO`]: about,
      [`${root}/setup.py`]: `from setuptools import setup\nsetup(name="${name}", version="${version}", packages=["${module}"])\n`,
      [`${root}/${module}/__init__.py`]: `VERSION = "${version}"\n`,
    }),
  };
}

function metadataFile(name: string, version: string, summary: string, requires: readonly string[]): string {
  const lines = [`Metadata-Version: 2.1`, `Name: ${name}`, `Version: ${version}`, `Summary: ${summary}`];
  return `${[...lines, ...requires.map((one) => `Requires-Dist: ${one}`)].join('\n')}\n`;
}
