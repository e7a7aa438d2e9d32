/** A Dockerfile as a list of stages and their instructions: as much of its language as ours uses. */

export interface Instruction {
  /** In capitals. */
  readonly keyword: string;
  /** What follows it, its lines joined. */
  readonly text: string;
}

export interface Stage {
  /** With the arguments that stand before the first stage put in. */
  readonly base: string;
  readonly instructions: readonly Instruction[];
}

export function parseDockerfile(source: string): readonly Stage[] {
  const lines = source
    .split('\n')
    .filter((line) => !line.startsWith('#') && line.trim() !== '')
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  const globals = new Map<string, string>();
  const stages: { base: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, keyword = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    const [name = '', value = ''] = text.split(/=(.*)/s);
    if (keyword === 'FROM') stages.push({ base: baseOf(text, globals), instructions: [] });
    else if (stages.length === 0 && keyword === 'ARG') globals.set(name, value);
    else stages.at(-1)?.instructions.push({ keyword, text });
  }
  return stages;
}

function baseOf(text: string, globals: ReadonlyMap<string, string>): string {
  const base = text.split(/\s+/).find((word) => !word.startsWith('--')) ?? '';
  return base.replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => globals.get(name) ?? '');
}

/** Of an instruction that stands once at most; undefined when it is missing. */
export function textOf({ instructions }: Stage, keyword: string): string | undefined {
  return instructions.findLast((instruction) => instruction.keyword === keyword)?.text;
}
