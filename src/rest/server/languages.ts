/** Which language a caller reads (contract §1.3: the header Accept-Language). */

export const LANGUAGES = ['en', 'zh-CN', 'zh-TW'] as const;

export type Language = (typeof LANGUAGES)[number];

/** What is looked at of the header: characters, and languages in it. */
const MAX_HEADER = 512;
const MAX_RANGES = 16;
/** Scripts and regions that write Chinese in traditional characters. */
const TRADITIONAL = new Set(['hant', 'tw', 'hk', 'mo']);

/** The language with the highest weight of those that there are texts in, the first of equal ones; else English. */
export function chooseLanguage(header: string | undefined): Language {
  let chosen: Language = 'en';
  let best = 0;
  for (const range of (header ?? '').slice(0, MAX_HEADER).split(',', MAX_RANGES)) {
    const [tag = '', ...parameters] = range.split(';').map((part) => part.trim());
    const language = languageOf(tag);
    const weight = weightOf(parameters);
    if (language === undefined || weight <= best) continue;
    chosen = language;
    best = weight;
  }
  return chosen;
}

/** Java writes `zh_CN`, browsers `zh-CN` or `zh-Hans-CN`. */
function languageOf(tag: string): Language | undefined {
  const [language, ...subtags] = tag.toLowerCase().split(/[-_]/);
  if (language === 'en' || tag === '*') return 'en';
  if (language !== 'zh') return undefined;
  if (subtags[0] === 'hans') return 'zh-CN';
  return subtags.some((subtag) => TRADITIONAL.has(subtag)) ? 'zh-TW' : 'zh-CN';
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => /^q\s*=/i.test(parameter));
  if (weight === undefined) return 1;
  const value = Number(weight.slice(weight.indexOf('=') + 1));
  return value >= 0 && value <= 1 ? value : 0;
}
