/**
 * Index documents by repository type. Guaranteed by every rule: the same input gives the same bytes; a merge applied to
 * its own result keeps it; nothing that the far side has is dropped while its file is there, nothing is named whose
 * file is not, and nothing is added whose package version the far side still lacks. Not guaranteed: that a real server leaves the document alone (Helm makes its index anew).
 * What each type does is told for people in docs/package-types.md.
 */
import { CARGO_RULES } from './cargo-rules.ts';
import { COMPOSER_RULES } from './composer-rules.ts';
import { CONAN_RULES } from './conan-rules.ts';
import { HELM_RULES } from './helm-rules.ts';
import { decided, type IndexRules } from './index-document.ts';
import { MAVEN_RULES } from './maven-rules.ts';
import { npmRules } from './npm-rules.ts';
import { RPM_RULES } from './rpm-rules.ts';

/** Types whose servers make their indexes from packages and nodes when asked (PyPI, NuGet), or have none. */
const NO_INDEXES: IndexRules = {
  isIndex: () => false,
  ofPackage: () => [],
  sharedWith: () => [],
  ofRepository: [],
  mergedByPath: false,
  order: () => 0,
  checksumEndings: [],
  merge: () => decided({ kind: 'keep' }),
};

const RULES: ReadonlyMap<string, IndexRules> = new Map([
  ['NPM', npmRules('npm', '.tgz')],
  ['OHPM', npmRules('ohpm', '.har')],
  ['MAVEN', MAVEN_RULES],
  ['HELM', HELM_RULES],
  ['COMPOSER', COMPOSER_RULES],
  ['CARGO', CARGO_RULES],
  ['CONAN', CONAN_RULES],
  ['RPM', RPM_RULES],
]);

/** `repoType`: as bk-repo names it (contract §6.4), e.g. `NPM`. */
export function indexRulesFor(repoType: string): IndexRules {
  return RULES.get(repoType) ?? NO_INDEXES;
}
