import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { fieldPaths } from '../../../src/api/field-paths.ts';
import * as names from '../../../src/api/names.ts';
import { SCHEMAS } from '../../../src/api/schemas.gen.ts';

interface Property {
  readonly type: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly items?: Property;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
}

interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly [{ readonly name: string; readonly schema: { readonly openAPIV3Schema: Property } }];
  };
}

const DIRECTORY = new URL('../../../crds/', import.meta.url);
const CRDS = readdirSync(DIRECTORY)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => parse(readFileSync(new URL(name, DIRECTORY), 'utf8')) as Crd);

function* walk(path: string, property: Property): Generator<readonly [string, Property]> {
  if (path !== 'metadata') yield [path, property];
  if (property.items !== undefined) yield* walk(`${path}[]`, property.items);
  for (const [key, child] of Object.entries(property.properties ?? {}))
    yield* walk(path === '' ? key : `${path}.${key}`, child);
}

const FIELDS = CRDS.flatMap((crd) =>
  [...walk('', crd.spec.versions[0].schema.openAPIV3Schema)].map(([path, property]) => ({
    kind: crd.spec.names.kind,
    path,
    property,
  })),
);

function offenders(isOffender: (property: Property, path: string) => boolean): readonly string[] {
  return FIELDS.filter(({ property, path }) => isOffender(property, path)).map(({ kind, path }) => `${kind} ${path}`);
}

test('both definitions are there, under the names the program uses', () => {
  const [version] = [names.VERSION];
  assert.deepEqual(
    CRDS.map(({ metadata, spec }) => [metadata.name, spec.group, spec.versions[0].name, spec.names.kind]),
    [
      [`${names.CLUSTER_PLURAL}.${names.GROUP}`, names.GROUP, version, names.CLUSTER_KIND],
      [`${names.REPLICA_TASK_PLURAL}.${names.GROUP}`, names.GROUP, version, names.REPLICA_TASK_KIND],
    ],
  );
});

test('every field is described in sentences', () => {
  assert.deepEqual(
    offenders(({ description }) => description === undefined || !/^[A-Z].*[.`]$/s.test(description)),
    [],
  );
});

test('every field of a spec names its default and an example', () => {
  const isLeaf = (path: string): boolean => path.startsWith('spec.') && !path.endsWith('[]');
  assert.deepEqual(
    offenders(({ description = '' }, path) => isLeaf(path) && !/(Default: |Required, no default\.)/.test(description)),
    [],
  );
  assert.deepEqual(
    offenders(({ description = '' }, path) => isLeaf(path) && !/Example: \S/.test(description)),
    [],
  );
});

test('a described default is the one in the schema', () => {
  assert.deepEqual(
    offenders(({ description = '', default: value, type }, path) => {
      if (!path.startsWith('spec.') || type === 'object' || value === undefined) return false;
      const text = JSON.stringify(value).replaceAll('"', '');
      return !description.includes(`Default: ${text}.`) && !description.includes(`Default: \`${text}\`.`);
    }),
    [],
  );
});

test('no text and no list of a spec or status is unbounded, and nothing is nullable', () => {
  const isServers = (path: string): boolean => path === 'apiVersion' || path === 'kind';
  assert.deepEqual(
    offenders(
      ({ type, maxLength, enum: values, format }, path) =>
        !isServers(path) &&
        type === 'string' &&
        maxLength === undefined &&
        values === undefined &&
        format === undefined,
    ),
    [],
  );
  assert.deepEqual(
    offenders(({ type, maxItems }) => type === 'array' && maxItems === undefined),
    [],
  );
  assert.deepEqual(
    offenders(({ nullable }) => nullable !== undefined),
    [],
  );
});

test('when a task runs is never filled in', () => {
  const plan = /spec\.setting\.executionPlan(\.|$)/;
  assert.deepEqual(
    offenders((property, path) => plan.test(path) && property.default !== undefined),
    [],
  );
  const spec = SCHEMAS.ReplicaTask.properties.spec.properties.setting;
  assert.deepEqual(spec.default, {});
});

test('an object without status is not taken for a finished one', () => {
  for (const crd of CRDS) {
    const status = crd.spec.versions[0].schema.openAPIV3Schema.properties?.['status'];
    assert.deepEqual(status?.default, { observedGeneration: -1 });
  }
});

test('field paths name every leaf, lists by []', () => {
  const paths = fieldPaths(SCHEMAS.ReplicaTask);
  for (const path of ['spec.replicaTaskObjects[].pathConstraints[].path', 'spec.remoteClusterIds[]', 'status.key']) {
    assert.ok(paths.includes(path), path);
  }
  const leaves = FIELDS.filter(({ kind, path, property }) => {
    const inside = /^(spec|status)\./.test(path) && kind === 'ReplicaTask';
    return inside && property.properties === undefined && property.items === undefined;
  });
  assert.equal(paths.length, leaves.length);
});

test('the generated files are current', () => {
  const generator = new URL('generate.ts', DIRECTORY).pathname;
  const { status, stderr } = spawnSync(process.execPath, [generator, '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});
