/**
 * Judges a scan: which objects the directory asks for, and what is wrong with it. The rule of safety: what is invalid,
 * said twice or unreadable changes nothing: the objects it may concern stay as they were, and are not taken for deleted.
 */
import type { FieldError } from '../api/field-error.ts';
import { INSTANCE_LABEL } from '../api/names.ts';
import type { Admit, Manifest } from '../api/validate.ts';
import type { DirectoryScan } from './manifest-directory.ts';
import type { DirectoryProblem, ManifestDocument } from './manifest-file.ts';
import { objectId } from './state-files.ts';
import type { ResourceKind, SecretData } from './store.ts';
import type { StoredObject } from './stored-object.ts';

export interface WantedObject {
  readonly id: string;
  readonly namespace: string;
  readonly source: string;
  readonly manifest: Manifest<ResourceKind>;
}

/** A Secret or ConfigMap of the directory. */
export interface PlainData extends SecretData {
  readonly source: string;
}

export interface ManifestSet {
  readonly wanted: ReadonlyMap<string, WantedObject>;
  /** By objectId of kind Secret or ConfigMap. */
  readonly plain: ReadonlyMap<string, PlainData>;
  /** Whether an object of this id and source may be gone from the directory only seemingly. */
  readonly uncertain: (id: string, source: string) => boolean;
  readonly problems: readonly DirectoryProblem[];
  /** `apiVersion kind` of what is not for us. */
  readonly foreign: ReadonlySet<string>;
}

export interface ManifestScope {
  readonly admit: Admit;
  /** Where an object without `metadata.namespace` lives. */
  readonly defaultNamespace: string;
  /** Empty = all. */
  readonly namespaces: readonly string[];
  /** Only objects with this label value of INSTANCE_LABEL; without it only objects without the label. */
  readonly instance?: string;
}

export function judge(
  scan: DirectoryScan,
  scope: ManifestScope,
  current: ReadonlyMap<string, StoredObject>,
): ManifestSet {
  const problems: DirectoryProblem[] = [...scan.problems, ...scan.files.flatMap((file) => file.problems)];
  const wanted = new Map<string, WantedObject>();
  const plain = new Map<string, PlainData>();
  const disputed = new Set<string>();
  for (const [id, documents] of byId(scan, scope.defaultNamespace)) {
    const [document, ...others] = documents;
    if (document === undefined) continue;
    if (others.length > 0) {
      disputed.add(id);
      problems.push(...documents.map((one) => twice(one, documents)));
      continue;
    }
    const before = problems.length;
    if (document.kind === 'Secret' || document.kind === 'ConfigMap') {
      const data = plainData(document, problems);
      if (problems.length === before) plain.set(id, { source: document.file, data });
    } else {
      const want = admitted(id, document, scope, current.get(id), problems);
      if (want !== undefined && inScope(want, scope)) wanted.set(id, want);
    }
    if (problems.length > before) disputed.add(id);
  }
  const badFiles = new Set(problems.map((problem) => problem.file));
  const uncertain = (id: string, source: string): boolean =>
    scan.problems.length > 0 || disputed.has(id) || badFiles.has(source);
  return { wanted, plain, uncertain, problems, foreign: new Set(scan.files.flatMap((file) => file.foreign)) };
}

function byId(scan: DirectoryScan, defaultNamespace: string): ReadonlyMap<string, readonly ManifestDocument[]> {
  const groups = new Map<string, ManifestDocument[]>();
  for (const document of scan.files.flatMap((file) => file.documents)) {
    const metadata = (document.value['metadata'] ?? {}) as { readonly namespace?: unknown; readonly name?: unknown };
    const { namespace, name } = metadata;
    // Without a name it is nobody's twin; admission says what is wrong with it.
    const own = typeof name === 'string' && name !== '' ? name : `?${document.file}:${document.line}`;
    const id = objectId(document.kind, typeof namespace === 'string' && namespace ? namespace : defaultNamespace, own);
    groups.set(id, [...(groups.get(id) ?? []), document]);
  }
  return groups;
}

function twice(document: ManifestDocument, all: readonly ManifestDocument[]): DirectoryProblem {
  const places = all.slice(0, 10).map(({ file, line }) => `${file}:${line}`);
  const { name } = document.value['metadata'] as { readonly name: string };
  const message = `${document.kind} ${name} is given ${all.length} times (${places.join(', ')}): none of them counts`;
  return { file: document.file, line: document.line, message };
}

function admitted(
  id: string,
  document: ManifestDocument,
  scope: ManifestScope,
  current: StoredObject | undefined,
  problems: DirectoryProblem[],
): WantedObject | undefined {
  const kind = document.kind as ResourceKind;
  const old = current === undefined ? undefined : { spec: current.object.spec };
  const admission = scope.admit<ResourceKind>(kind, document.value, old);
  if (admission.object === undefined) {
    problems.push(...admission.errors.map((error) => problemOf(document, error)));
    return undefined;
  }
  const manifest = admission.object;
  const namespace = manifest.metadata.namespace ?? scope.defaultNamespace;
  return { id, namespace, source: document.file, manifest };
}

function inScope(want: WantedObject, scope: ManifestScope): boolean {
  if (scope.namespaces.length > 0 && !scope.namespaces.includes(want.namespace)) return false;
  return want.manifest.metadata.labels?.[INSTANCE_LABEL] === scope.instance;
}

function problemOf(document: ManifestDocument, { field, message }: FieldError): DirectoryProblem {
  return { file: document.file, line: document.lineOf(field), field, message };
}

/** `stringData` over `data` for Secrets, `binaryData` beside `data` for ConfigMaps. Values never appear in problems. */
function plainData(document: ManifestDocument, problems: DirectoryProblem[]): Readonly<Record<string, Buffer>> {
  const { value, kind } = document;
  const complain = (field: string, message: string): void => {
    problems.push(problemOf(document, { field, message }));
  };
  const { name } = (value['metadata'] ?? {}) as { readonly name?: unknown };
  if (typeof name !== 'string' || name === '') complain('metadata.name', 'Required value: name is required');
  const data = new Map<string, Buffer>();
  const read = (field: string, decode: (text: string) => Buffer | undefined): void => {
    const entries = value[field] ?? {};
    if (typeof entries !== 'object' || Array.isArray(entries)) return complain(field, 'must be an object of strings');
    for (const [key, text] of Object.entries(entries)) {
      const decoded = typeof text === 'string' ? decode(text) : undefined;
      if (decoded !== undefined) data.set(key, decoded);
      else complain(`${field}[${key}]`, typeof text === 'string' ? 'not base64' : 'must be a string; quote it in YAML');
    }
  };
  read(kind === 'Secret' ? 'data' : 'binaryData', fromBase64);
  read(kind === 'Secret' ? 'stringData' : 'data', (text) => Buffer.from(text));
  return Object.fromEntries(data);
}

function fromBase64(text: string): Buffer | undefined {
  const compact = text.replaceAll(/\s/g, '');
  const valid = compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
  return valid ? Buffer.from(compact, 'base64') : undefined;
}
