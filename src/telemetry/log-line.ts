/** A line of JSON as people read it: `text`, still one line each, or `pretty`, for a terminal. */

type Fields = Readonly<Record<string, unknown>>;

const COLOURS: Readonly<Record<string, number>> = { debug: 90, info: 32, warn: 33, error: 31 };
const GREY = 90;

/** Time, level, message, `key=value`; strings that hold blanks or line ends are quoted, so a line stays a line. */
export function textLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  return `${[String(time), levelText(level), String(msg), ...pairs(fields)].join(' ')}\n`;
}

/** Time of day (UTC), level, message and fields; the stack of an error on lines of its own. Coloured for a terminal. */
export function prettyLine(json: string, colours: boolean): string {
  const { level, time, msg, error, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const paint = (code: number, text: string): string =>
    colours && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text;
  const { stack, ...failure } = isFields(error) ? error : { error };
  const told = [...pairs(fields), ...pairs(isFields(error) ? { error: failure } : failure)].join(' ');
  const words = [
    paint(GREY, String(time).slice(11, 23)),
    paint(COLOURS[String(level)] ?? GREY, levelText(level)),
    String(msg),
    paint(GREY, told),
  ];
  const frames = typeof stack === 'string' ? `${paint(GREY, stack)}\n` : '';
  return `${words.filter((word) => word !== '').join(' ')}\n${frames}`;
}

function levelText(level: unknown): string {
  return String(level).toUpperCase().padEnd(5);
}

function pairs(fields: Fields): readonly string[] {
  return Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${textValue(value)}`],
  );
}

function textValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
