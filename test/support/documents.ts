/** The project's Markdown as its readers meet it: links, anchors of headings, and blocks of code. */
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PATTERNS = ['*.md', 'docs/**/*.md', 'deploy/**/*.md'];
const FENCE = /^(?<indent> *)```(?<language>[a-zA-Z]*)[^\n]*\n(?<text>.*?)^ *```$/gms;

interface CodeBlock {
  /** `yaml`, `json`, `sh`, …; empty where none is named. */
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

interface Link {
  /** File, relative to the project's; empty for a link to elsewhere. */
  readonly file: string;
  /** Without `#`; empty for none. */
  readonly anchor: string;
  readonly text: string;
}

export interface Document {
  /** Relative to the project's directory. */
  readonly file: string;
  readonly blocks: readonly CodeBlock[];
  /** To files of the project; not those to other hosts. */
  readonly links: readonly Link[];
  readonly anchors: ReadonlySet<string>;
}

export async function readDocuments(): Promise<readonly Document[]> {
  const files: string[] = [];
  for await (const file of glob(PATTERNS, { cwd: ROOT })) files.push(file);
  return await Promise.all(
    files.toSorted().map(async (file) => parseDocument(file, await readFile(path.join(ROOT, file), 'utf8'))),
  );
}

export function parseDocument(file: string, text: string): Document {
  const prose = text.replaceAll(FENCE, '').replaceAll(/`[^`\n]+`/g, (code) => code.replaceAll(/[[\]()#]/g, ' '));
  return { file, blocks: blocksOf(text), links: linksOf(file, prose), anchors: anchorsOf(text.replaceAll(FENCE, '')) };
}

function blocksOf(text: string): CodeBlock[] {
  return [...text.matchAll(FENCE)].map(({ index, groups }) => ({
    language: groups?.['language'] ?? '',
    text: (groups?.['text'] ?? '').replaceAll(new RegExp(`^${groups?.['indent'] ?? ''}`, 'gm'), ''),
    line: text.slice(0, index).split('\n').length,
  }));
}

function linksOf(file: string, prose: string): Link[] {
  const targets = [...prose.matchAll(/\]\((?<target>[^)\s]+)\)/g)].map(({ groups }) => groups?.['target'] ?? '');
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [place = '', anchor = ''] = target.split('#');
      const there = place === '' ? file : path.join(path.dirname(file), decodeURIComponent(place));
      return { file: there, anchor: decodeURIComponent(anchor), text: target };
    });
}

/** As GitHub makes them: small letters, no punctuation, hyphens for spaces, numbers behind what occurs again. */
function anchorsOf(prose: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { groups } of prose.matchAll(/^#{1,6} +(?<heading>.+)$/gm)) {
    const words = (groups?.['heading'] ?? '').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').trim();
    const slug = words
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again += 1) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}
