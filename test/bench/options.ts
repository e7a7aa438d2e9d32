import { parseArgs } from 'node:util';

export interface GenericOptions {
  /** Files of 1 KB to 16 KB. */
  readonly files: number;
  readonly large: number;
  /** Bytes of each large file. */
  readonly largeSize: number;
  readonly json: boolean;
}

const FULL = { files: 100_000, large: 8, largeSize: 1024 ** 3 };
const QUICK = { files: 2_000, large: 2, largeSize: 64 * 1024 ** 2 };

export const GENERIC_USAGE = `npm run bench -- generic [OPTIONS]
  --quick              ${QUICK.files} small files and ${QUICK.large} of ${QUICK.largeSize} bytes, instead of ${FULL.files} and ${FULL.large} of ${FULL.largeSize}
  --files N            number of small files (1 KB to 16 KB)
  --large N            number of large files
  --large-size BYTES   size of a large file
  --json               print one final line of JSON on standard output, everything else on standard error
The directory for temporary files (TMPDIR) needs room for everything twice. TEST_SEED=N repeats the content of a run.
`;

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a number that is none */
export function genericOptions(argv: readonly string[]): GenericOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      files: { type: 'string' },
      large: { type: 'string' },
      'large-size': { type: 'string' },
    },
  });
  const size = values.quick ? QUICK : FULL;
  const options = {
    files: wholeNumber('--files', values.files) ?? size.files,
    large: wholeNumber('--large', values.large) ?? size.large,
    largeSize: wholeNumber('--large-size', values['large-size']) ?? size.largeSize,
    json: values.json,
  };
  if (options.files + options.large === 0) throw new RangeError('--files and --large: there is nothing to copy');
  return options;
}

export interface RateOptions {
  /** Bytes per second of each limit. */
  readonly rate: number;
  readonly json: boolean;
}

const USUAL_RATE = 10_000_000;

export const RATE_USAGE = `npm run bench -- rate [OPTIONS]
  --rate BYTES         bytes per second of each limit, instead of ${USUAL_RATE}
  --json               print one final line of JSON on standard output, everything else on standard error
Takes about a minute. The directory for temporary files (TMPDIR) needs room for 80 seconds' worth. TEST_SEED=N repeats
the content of a run.
`;

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a number that is none */
export function rateOptions(argv: readonly string[]): RateOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: { json: { type: 'boolean', default: false }, rate: { type: 'string' } },
  });
  const rate = wholeNumber('--rate', values.rate) ?? USUAL_RATE;
  if (rate < 1_000) throw new RangeError('--rate: at least 1000 bytes per second');
  return { rate, json: values.json };
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} must be a whole number, not ${text}`);
  return value;
}
