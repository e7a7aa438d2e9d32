/** Registries whose clients ask for files by their path, or by documents that are stored or follow from the paths. */
import { document, fileAnswer, missing, type Registry } from './answer.ts';

/** The repository layout of Maven is the layout of the files. */
export const maven: Registry = async (repository, path) => fileAnswer(repository, await repository.file(`/${path}`));

/** The package document as it is stored: its `dist.tarball` must lead here, nothing is rewritten. */
export const npm: Registry = async (repository, path) => {
  const tarball = await repository.file(`/${path}`);
  if (tarball !== undefined) return fileAnswer(repository, tarball);
  return fileAnswer(repository, await repository.file(`/.npm/${path}/package.json`), 'application/json');
};

/** The index as it is stored, and charts, also under the address that a chart service gives them. */
export const helm: Registry = async (repository, path) => {
  if (path === 'index.yaml')
    return fileAnswer(repository, await repository.file('/index-cache.yaml'), 'application/yaml');
  return fileAnswer(repository, await repository.file(`/${path.replace(/^charts\//, '')}`));
};

/** PEP 503 over files at `/{name}/{version}/{file}`. */
export const pypi: Registry = async (repository, path) => {
  if (path.startsWith('packages/')) return fileAnswer(repository, await repository.file(path.slice('packages'.length)));
  const project = /^simple\/(?:([^/]+)\/?)?$/.exec(path);
  if (project === null) return missing();
  const files = await repository.below('');
  const [, wanted] = project;
  const links =
    wanted === undefined
      ? [...new Set(files.map(({ fullPath }) => normalised(nameIn(fullPath))))].map((name) => link(`${name}/`, name))
      : files
          .filter(({ fullPath }) => normalised(nameIn(fullPath)) === normalised(wanted))
          .map(({ fullPath, sha256 }) =>
            link(
              `../../packages${fullPath.split('/').map(encodeURIComponent).join('/')}#sha256=${sha256}`,
              fullPath.slice(fullPath.lastIndexOf('/') + 1),
            ),
          );
  if (wanted !== undefined && links.length === 0) return missing(`no project ${wanted}`);
  return document('text/html', `<!DOCTYPE html><html><body>\n${links.join('<br>\n')}\n</body></html>\n`);
};

function nameIn(fullPath: string): string {
  return fullPath.split('/')[1] ?? '';
}

function normalised(name: string): string {
  return name.replaceAll(/[-_.]+/g, '-').toLowerCase();
}

function link(href: string, text: string): string {
  return `<a href="${href}">${text}</a>`;
}
