/** Where a text stops being JSON. JSON.parse does not tell for most errors, and what it tells quotes the text. */

const BLANKS = /[ \t\r\n]*/uy;
const STRING = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-f]{4}))*"/iuy;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?|true|false|null/iuy;

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end';

/** Offset of the first token that may not stand there; the text's length when it ends too early. */
export function firstJsonError(text: string): number {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let position = 0;
  for (;;) {
    position += matchAt(BLANKS, text, position);
    const next = text.charAt(position);
    const length = tokenLength(text, position, expected, open.at(-1));
    if (length === 0) return position;
    position += length;
    if (next === '{' || next === '[') {
      open.push(next);
      expected = next === '{' ? 'key or }' : 'value or ]';
    } else if (next === ',') expected = open.at(-1) === '{' ? 'key' : 'value';
    else if (next === ':') expected = 'value';
    else if (expected === 'key' || expected === 'key or }') {
      if (next === '}') open.pop();
      expected = next === '}' ? ', or end' : ':';
    } else {
      if (next === '}' || next === ']') open.pop();
      expected = ', or end';
    }
  }
}

/** 0 = no token that may stand there. */
function tokenLength(text: string, position: number, expected: Expected, inside: '{' | '[' | undefined): number {
  const next = text.charAt(position);
  switch (expected) {
    case ':':
      return Number(next === ':');
    case ', or end':
      return Number(inside !== undefined && (next === ',' || next === (inside === '{' ? '}' : ']')));
    case 'key':
    case 'key or }':
      return expected === 'key or }' && next === '}' ? 1 : matchAt(STRING, text, position);
    case 'value':
    case 'value or ]':
      if (next === '{' || next === '[' || (expected === 'value or ]' && next === ']')) return 1;
      return matchAt(STRING, text, position) || matchAt(SCALAR, text, position);
  }
}

function matchAt(pattern: RegExp, text: string, position: number): number {
  pattern.lastIndex = position;
  return pattern.exec(text)?.[0].length ?? 0;
}
