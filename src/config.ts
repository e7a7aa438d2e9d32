/**
 * The configuration of an installation: one schema for the YAML file and the environment, every key with its default and
 * words about it (docs/configuration.md is made from it). Guarantees: what it does not know it refuses, naming the key
 * and the nearest one it knows; no message quotes a value that may be secret. Reads neither files nor the environment.
 */
import { parseDocument } from 'yaml';
import { z } from 'zod';

import { type EnvironmentValue, environmentValues, type JsonSchemaNode, nearest } from './config-environment.ts';
import { configSchema } from './config-schema.ts';

export type Config = z.output<typeof configSchema>;

/** Of the configuration, with all that is wrong with it, one line each. */
export class ConfigError extends Error {
  readonly code = 'ConfigInvalid';

  constructor(problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

export interface ConfigInput {
  /** Name of the file, for messages, and its text. */
  readonly file?: { readonly name: string; readonly text: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The environment goes before the file. @throws {ConfigError} */
export function parseConfig({ file, environment }: ConfigInput): Config {
  const fromFile = file === undefined ? {} : parseYaml(file);
  const { values, problems } = environmentValues(environment, configJsonSchema());
  const merged = values.reduce<unknown>((config, value) => withValue(config, value, value.path), fromFile);
  const result = configSchema.safeParse(merged);
  const found = result.success ? [] : result.error.issues.flatMap((issue) => issueText(issue));
  if (problems.length > 0 || !result.success) throw new ConfigError([...problems, ...found]);
  return result.data;
}

/** The schema as JSON schema: for the documentation and the names of environment variables. */
export function configJsonSchema(): JsonSchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchemaNode;
}

function parseYaml({ name, text: yaml }: { readonly name: string; readonly text: string }): unknown {
  const document = parseDocument(yaml, { prettyErrors: false });
  // The parser's own words may quote the line, and with it a password.
  const [error] = document.errors;
  if (error !== undefined) {
    const line = yaml.slice(0, error.pos[0]).split('\n').length;
    throw new ConfigError([`${name}: line ${line} is not valid YAML (${error.code})`]);
  }
  const value: unknown = document.toJS();
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new ConfigError([`${name}: must be a mapping of keys`]);
  return value;
}

function withValue(config: unknown, { value }: EnvironmentValue, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const object = typeof config === 'object' && config !== null ? (config as Readonly<Record<string, unknown>>) : {};
  return { ...object, [key]: withValue(object[key], { path: rest, value }, rest) };
}

function issueText(issue: z.core.$ZodIssue): readonly string[] {
  const where = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...where, key]));
  return [`${where.join('.') || 'configuration'}: ${issue.message}`];
}

function unknownKey(path: readonly string[]): string {
  const siblings = Object.keys(nodeAt(path.slice(0, -1))?.properties ?? {});
  const near = nearest(path.at(-1) ?? '', siblings);
  return `${path.join('.')}: unknown key${near === undefined ? '' : `; did you mean ${[...path.slice(0, -1), near].join('.')}?`}`;
}

function nodeAt(path: readonly string[]): JsonSchemaNode | undefined {
  return path.reduce<JsonSchemaNode | undefined>(
    (node, key) => node?.properties?.[key] ?? node?.items,
    configJsonSchema(),
  );
}
