/**
 * Writes what the program knows about its resources from the CRDs beside this file: `src/api/<kind>.gen.ts` (types, with
 * the descriptions as comments), `src/api/schemas.gen.ts` (the schemas themselves, for validation without an API server)
 * and `docs/reference.md` (every field, for people). `--check` writes nothing and exits with 1 when a file is not what it would write.
 *
 * A field with a default is not optional in the types, because no object without it reaches the program: the API server
 * fills it in when it reads or writes, and `admit` does in standalone mode.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { type CrdColumn, type ReferenceKind, referenceOf } from './reference.ts';
import { type CrdSchema, cutDescriptions, typesOf } from './types.ts';

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames: readonly string[] };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: CrdSchema };
      readonly additionalPrinterColumns: readonly CrdColumn[];
    }[];
  };
}

const BANNER = '// Generated from crds/*.yaml by `npm run generate`. Do not edit.\n';

async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const directory = fileURLToPath(new URL('.', import.meta.url));
  const names = (await readdir(directory)).filter((name) => name.endsWith('.yaml')).sort();
  const files = new Map<string, string>();
  const schemas: string[] = [];
  const kinds: ReferenceKind[] = [];
  for (const name of names) {
    const crd = parse(await readFile(`${directory}${name}`, 'utf8')) as Crd;
    const { group, names: crdNames, versions } = crd.spec;
    const [version] = versions;
    if (version === undefined) throw new Error(`${name}: there is no version`);
    const { kind, plural, shortNames } = crdNames;
    const schema = version.schema.openAPIV3Schema;
    const apiVersion = `${group}/${version.name}`;
    files.set(`src/api/${fileName(kind)}.gen.ts`, BANNER + typesOf(kind, apiVersion, schema));
    kinds.push({ kind, plural, shortNames, apiVersion, columns: version.additionalPrinterColumns, schema });
    schemas.push(`  ${kind}: ${JSON.stringify(cutDescriptions(schema), undefined, 2).replaceAll('\n', '\n  ')},\n`);
  }
  files.set('docs/reference.md', referenceOf(kinds));
  files.set(
    'src/api/schemas.gen.ts',
    `${BANNER}\n/** \`openAPIV3Schema\` of each kind, without descriptions. */\nexport const SCHEMAS = {\n${schemas.join('')}} as const;\n`,
  );
  return files;
}

/** `ReplicaTask` → `replica-task`. */
function fileName(kind: string): string {
  return kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
}

const target = fileURLToPath(new URL('../', import.meta.url));
const check = process.argv.includes('--check');
const stale: string[] = [];
for (const [name, content] of await generatedFiles()) {
  const present = await readFile(`${target}${name}`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (present === content) continue;
  if (check) stale.push(name);
  else await writeFile(`${target}${name}`, content);
}
if (stale.length > 0) {
  console.error(`Not what the CRDs say: ${stale.join(', ')}. Run \`npm run generate\`.`);
  process.exitCode = 1;
}
