/** The metadata of a snapshot's folder: the newest build of each classifier and extension. */

import type { IndexInquiry } from './index-document.ts';
import { askPresence } from './index-document.ts';
import { childOf, childrenOf, leaf, textOf, withChild, type XmlElement } from './xml-tree.ts';

interface Build {
  readonly element: XmlElement;
  /** Classifier and extension. */
  readonly kind: string;
  /** `2.0.0-20261122.151628-2` */
  readonly value: string;
  readonly updated: string;
  readonly path: string;
}

/** Without a build whose file is there the document names none. */
export function* mergeSnapshot(
  folder: string,
  source: XmlElement,
  far: XmlElement | undefined,
): IndexInquiry<XmlElement> {
  const fromSource = buildsOf(source, folder);
  const fromFar = buildsOf(far, folder);
  const presence = yield* askPresence([...new Set([...fromSource, ...fromFar].map((build) => build.path))]);
  const isThere = (build: Build): boolean => (presence.get(build.path) ?? 'absent') !== 'absent';
  const builds = newestBuilds([...fromSource.filter(isThere), ...fromFar.filter(isThere)]);
  const versioning = childOf(source, 'versioning') ?? childOf(far, 'versioning');
  if (versioning === undefined) return source;
  const documents = far === undefined ? [source] : [source, far];
  const own = builds.some((build) => !fromSource.some((other) => other.element === build.element));
  const updated = lastUpdated(own || builds.length === 0 ? documents : [source]);
  const legacy = documents.filter((document) => buildsOf(document, folder).length === 0);
  const snapshot = builds.length > 0 ? newestSnapshot(documents, builds) : legacySnapshot(legacy);
  const children = builds.map((build) => build.element);
  const list = { name: 'snapshotVersions', attributes: [], children, text: '' };
  let result = withChild(versioning, 'snapshot', snapshot);
  result = withChild(result, 'lastUpdated', updated === undefined ? undefined : leaf('lastUpdated', updated));
  result = withChild(result, 'snapshotVersions', builds.length === 0 ? undefined : list);
  return withChild(source, 'versioning', result);
}

function buildsOf(metadata: XmlElement | undefined, folder: string): readonly Build[] {
  const artifactFolder = folder.slice(0, folder.lastIndexOf('/'));
  const artifact = artifactFolder.slice(artifactFolder.lastIndexOf('/') + 1);
  const list = childOf(childOf(metadata, 'versioning'), 'snapshotVersions');
  return childrenOf(list, 'snapshotVersion').map((element) => {
    const classifier = textOf(element, 'classifier');
    const extension = textOf(element, 'extension') ?? 'jar';
    const value = textOf(element, 'value') ?? '';
    const suffix = classifier === undefined ? '' : `-${classifier}`;
    return {
      element,
      kind: `${classifier ?? ''}|${extension}`,
      value,
      updated: textOf(element, 'updated') ?? '',
      path: `${folder}/${artifact}-${value}${suffix}.${extension}`,
    };
  });
}

/** The first of a kind keeps its place (and wins a tie): the source's order, then what only the far side has. */
function newestBuilds(builds: readonly Build[]): readonly Build[] {
  const newest = new Map<string, Build>();
  for (const build of builds) {
    const other = newest.get(build.kind);
    if (other === undefined || instantOf(build) > instantOf(other)) newest.set(build.kind, build);
  }
  return [...newest.values()];
}

/** `updated` comes as `20261122151628` and, from some servers, as `20261122.151628`. */
function instantOf(build: Build): string {
  return build.updated.replace('.', '');
}

/** The build number and timestamp of the newest build in the list, as a document tells them where one does. */
function newestSnapshot(documents: readonly XmlElement[], builds: readonly Build[]): XmlElement | undefined {
  const newest = builds.toSorted(
    (a, b) => Number(instantOf(a) < instantOf(b)) - Number(instantOf(a) > instantOf(b)),
  )[0];
  const match = /-(\d{8}\.\d{6})-(\d+)$/u.exec(newest?.value ?? '');
  if (match === null) return legacySnapshot(documents);
  const [, timestamp = '', buildNumber = ''] = match;
  const told = documents
    .map((document) => childOf(childOf(document, 'versioning'), 'snapshot'))
    .find((snapshot) => textOf(snapshot, 'timestamp') === timestamp && textOf(snapshot, 'buildNumber') === buildNumber);
  if (told !== undefined) return told;
  const children = [leaf('timestamp', timestamp), leaf('buildNumber', buildNumber)];
  return { name: 'snapshot', attributes: [], children, text: '' };
}

/** Documents without a list of builds (Maven 2, local copies): the one updated last tells. */
function legacySnapshot(documents: readonly XmlElement[]): XmlElement | undefined {
  const updated = lastUpdated(documents);
  const newest = documents.find((document) => textOf(childOf(document, 'versioning'), 'lastUpdated') === updated);
  return childOf(childOf(newest ?? documents[0], 'versioning'), 'snapshot');
}

function lastUpdated(documents: readonly XmlElement[]): string | undefined {
  return documents
    .map((document) => textOf(childOf(document, 'versioning'), 'lastUpdated'))
    .filter((updated) => updated !== undefined)
    .toSorted()
    .at(-1);
}
