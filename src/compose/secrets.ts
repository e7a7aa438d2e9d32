import { readFileSync } from 'node:fs';

import { ConfigError } from '../config.ts';

/**
 * A value that stands in the configuration, or in a file that it names (`key` and `keyFile`; one line end at its end is
 * dropped). Undefined = neither. @throws {ConfigError} for both, or a file that cannot be read
 */
export function secretValue(key: string, value: string | undefined, file: string | undefined): string | undefined {
  if (file === undefined) return value;
  if (value !== undefined) throw new ConfigError([`${key} and ${key}File exclude each other`]);
  return readText(`${key}File`, file).replace(/\r?\n$/, '');
}

/** @throws {ConfigError} as above, and when there is no value */
export function requiredSecret(key: string, value: string | undefined, file: string | undefined): string {
  const found = secretValue(key, value, file);
  if (found === undefined || found === '') throw new ConfigError([`${key} (or ${key}File) is required`]);
  return found;
}

export function readText(key: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ConfigError([`${key}: ${file} cannot be read (${code})`]);
  }
}
