/** A far side as a table, and a decision about an index document asked of it. */
import type {
  IndexAnswer,
  IndexInput,
  IndexInquiry,
  IndexQuestion,
  IndexResult,
  Presence,
} from '../../../../src/domain/indexes/index-document.ts';
import { indexRulesFor } from '../../../../src/domain/indexes/rules.ts';
import type { Addresses } from '../../../../src/domain/packages/mapping.ts';

export const ADDRESSES: Addresses = {
  origin: 'https://far.example:8443',
  localProjectId: 'fx',
  localRepoName: 'repo',
  remoteProjectId: 'copy',
  remoteRepoName: 'mirror',
};

export interface FarWorld {
  /** Files at the far side; what is left out is absent. */
  readonly files?: Readonly<Record<string, Presence>>;
  /** Package versions at the far side. */
  readonly versions?: readonly string[];
  /** Package versions that the source has, and the far side not. */
  readonly missing?: readonly string[];
  /** What a file that is left out is. */
  readonly others?: Presence;
}

export interface Case extends FarWorld {
  readonly type: string;
  readonly fullPath: string;
  readonly source?: string;
  readonly far?: string;
  /** undefined = the whole repository; `any` = a run of paths */
  readonly selected?: IndexInput['selected'];
  readonly addresses?: Addresses;
}

export interface Merged {
  readonly kind: IndexResult['kind'];
  /** The far side's document afterwards. */
  readonly text: string | undefined;
  readonly questions: readonly IndexQuestion[];
}

export function mergeCase(given: Case): Merged {
  const questions: IndexQuestion[] = [];
  const input: IndexInput = {
    fullPath: given.fullPath,
    source: bytes(given.source),
    far: bytes(given.far),
    wholeRepository: given.selected === undefined,
    selected: given.selected ?? [],
    addresses: given.addresses ?? ADDRESSES,
  };
  const result = answer(indexRulesFor(given.type).merge(input), given, questions);
  const text = { keep: given.far, source: given.source, content: textOf(result) }[result.kind];
  return { kind: result.kind, text, questions };
}

function answer(inquiry: IndexInquiry<IndexResult>, world: FarWorld, questions: IndexQuestion[]): IndexResult {
  let step = inquiry.next();
  while (step.done !== true) {
    questions.push(step.value);
    step = inquiry.next(answerOf(step.value, world));
  }
  return step.value;
}

function answerOf(question: IndexQuestion, world: FarWorld): IndexAnswer {
  if (question.ask === 'far-versions') {
    return new Set(question.names.filter((name) => world.versions?.includes(name) === true));
  }
  if (question.ask === 'missing-versions') {
    return new Set(question.names.filter((name) => world.missing?.includes(name) === true));
  }
  return new Map(question.paths.map((path) => [path, world.files?.[path] ?? world.others ?? 'absent']));
}

function bytes(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : new TextEncoder().encode(text);
}

function textOf(result: IndexResult): string | undefined {
  return result.kind === 'content' ? new TextDecoder().decode(result.content) : undefined;
}
