/** What a registry answers, before it becomes HTTP. */
import type { ShelvedFile, ShelvedRepository } from './shelf.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | { readonly repository: ShelvedRepository; readonly file: ShelvedFile };
}

/** One kind of registry: `path` is what stands behind `/{kind}/{project}/{repository}/`, decoded. */
export type Registry = (repository: ShelvedRepository, path: string) => Promise<Answer>;

export function document(contentType: string, body: string): Answer {
  return { status: 200, headers: { 'content-type': contentType }, body };
}

/** A file as it is stored, or 404. */
export function fileAnswer(
  repository: ShelvedRepository,
  file: ShelvedFile | undefined,
  contentType = 'application/octet-stream',
  headers: Readonly<Record<string, string>> = {},
): Answer {
  if (file === undefined) return missing();
  return { status: 200, headers: { 'content-type': contentType, ...headers }, body: { repository, file } };
}

export function missing(what = 'no such file'): Answer {
  return { status: 404, headers: { 'content-type': 'text/plain' }, body: `${what}\n` };
}
