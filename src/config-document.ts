/** The configuration in words, made from its schema. */
import { configJsonSchema } from './config.ts';
import { type ConfigKey, configKeys, type JsonSchemaNode } from './config-environment.ts';

const MARKDOWN_HEAD = `# Configuration

<!-- Made by \`bkrepo-replicator config --markdown\`. Do not edit. -->

One schema serves every command. Values come from a YAML file (\`--config FILE\`) and from environment variables, which go
before the file. Unknown keys and variables are refused. Passwords belong into the environment or into files
(\`…File\` keys); they are never printed.

Lists in environment variables are separated by commas; lists of objects can only stand in the file.
\`bkrepo-replicator config\` prints a file with every key and its default.
`;

export function configMarkdown(): string {
  const root = configJsonSchema();
  const sections = [...new Set(configKeys(root).map(({ path }) => sectionOf(path)))];
  const parts = sections.map((section) => {
    const keys = configKeys(root).filter(({ path }) => sectionOf(path) === section);
    const words =
      section === '' ? 'The installation as a whole.' : (nodeAt(root, section.split('.'))?.description ?? '');
    return [
      `## ${section === '' ? 'General' : `\`${section}\``}`,
      ...(words === '' ? [] : ['', words]),
      '',
      '| Key | Default | Meaning | Environment variable |',
      '| --- | --- | --- | --- |',
      ...keys.map(row),
    ].join('\n');
  });
  return `${MARKDOWN_HEAD}\n${parts.join('\n\n')}\n`;
}

/** Every key as a comment, so that the text is a valid file that changes nothing. */
export function configYaml(): string {
  return `# Every key with its default; remove the # in front of what you change.\n${yamlLines(configJsonSchema(), '').join('\n')}\n`;
}

function yamlLines(node: JsonSchemaNode, indent: string): readonly string[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    const words = child.description === undefined ? [] : [`# ${indent}# ${child.description}`];
    if (child.properties !== undefined) return [...words, `# ${indent}${key}:`, ...yamlLines(child, `${indent}  `)];
    const value = child.default === undefined ? '' : ` ${JSON.stringify(child.default)}`;
    return [...words, `# ${indent}${key}:${value}`];
  });
}

function sectionOf(path: readonly string[]): string {
  return path.slice(0, -1).join('.');
}

function nodeAt(root: JsonSchemaNode, path: readonly string[]): JsonSchemaNode | undefined {
  return path.reduce<JsonSchemaNode | undefined>((node, key) => node?.properties?.[key], root);
}

function row({ path, node, variable }: ConfigKey): string {
  const fallback = node.default === undefined ? '' : `\`${JSON.stringify(node.default)}\``;
  const choice =
    node.enum === undefined ? '' : ` One of ${node.enum.map((value) => `\`${String(value)}\``).join(', ')}.`;
  const words = `${node.description ?? ''}${choice}`.replaceAll('|', '\\|');
  return `| \`${path.join('.')}\` | ${fallback} | ${words} | ${variable === undefined ? '' : `\`${variable}\``} |`;
}
