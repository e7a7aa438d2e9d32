/**
 * What the API server does to an object that is applied, for the mode without one: `admit` takes a parsed document and
 * gives the object with defaults filled in, or all that is wrong with it.
 *
 * Guaranteed: an object is admitted exactly when the API server would take it with strict field validation (the same
 * table of objects is run through both), and defaults are the same. Not guaranteed: the wording of errors. As with the
 * API server, CEL rules are judged only once types, bounds and patterns are right, so not all errors come at once.
 * `status` and what else is the server's in a manifest is dropped.
 */
import type { ClusterSpec } from './cluster.gen.ts';
import { type FieldError, invalidValue, quoted } from './field-error.ts';
import { checkMetadata, type ManifestMeta } from './metadata.ts';
import { API_VERSION } from './names.ts';
import type { ReplicaTaskSpec } from './replica-task.gen.ts';
import { compileRules, type RuleCheck } from './rules.ts';
import { isObject, type JsonObject, type Schema, withDefaults } from './schema.ts';
import { SCHEMAS } from './schemas.gen.ts';
import { compileStructure, type StructureCheck } from './structure.ts';

export interface SpecOf {
  readonly Cluster: ClusterSpec;
  readonly ReplicaTask: ReplicaTaskSpec;
}

/** An object as a person wrote it, with defaults. */
export interface Manifest<K extends keyof SpecOf> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: K;
  readonly metadata: ManifestMeta;
  readonly spec: SpecOf[K];
}

export type Admission<K extends keyof SpecOf> =
  | { readonly object: Manifest<K>; readonly errors: readonly [] }
  | { readonly object?: undefined; readonly errors: readonly [FieldError, ...FieldError[]] };

/** @param old The spec before, when the object is there already: rules of change are judged against it. */
export type Admit = <K extends keyof SpecOf>(
  kind: K,
  document: unknown,
  old?: { readonly spec: SpecOf[K] },
) => Admission<K>;

interface Checks {
  readonly schema: Schema;
  readonly structure: StructureCheck;
  readonly rules: RuleCheck;
}

/** Compiles schemas and rules, which takes tens of milliseconds: once per program. */
export function compileAdmission(): Admit {
  const checks: Readonly<Record<keyof SpecOf, Checks>> = {
    Cluster: compileSpec(SCHEMAS.Cluster.properties.spec),
    ReplicaTask: compileSpec(SCHEMAS.ReplicaTask.properties.spec),
  };
  return (kind, document, old) => {
    if (!isObject(document)) return refusal(invalidValue('', document, 'must be an object'));
    const { meta, errors: metaErrors } = checkMetadata(document['metadata']);
    const errors: FieldError[] = [...checkEnvelope(kind, document), ...metaErrors];
    const { spec, errors: specErrors } = checkSpec(checks[kind], document['spec'], old?.spec);
    errors.push(...specErrors);
    const [first, ...more] = errors;
    if (first !== undefined || meta === undefined)
      return refusal(first ?? { field: 'metadata', message: 'Required value' }, ...more);
    return {
      object: { apiVersion: API_VERSION, kind, metadata: meta, spec: spec as SpecOf[typeof kind] },
      errors: [],
    };
  };
}

function compileSpec(schema: Schema): Checks {
  return { schema, structure: compileStructure('spec', schema), rules: compileRules('spec', schema) };
}

function checkEnvelope(kind: string, document: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { apiVersion, kind: documentKind, metadata: _metadata, spec: _spec, status: _status, ...unknown } = document;
  if (apiVersion !== API_VERSION) {
    const message = `Unsupported value: ${quoted(apiVersion)}: supported values: ${quoted(API_VERSION)}`;
    errors.push({ field: 'apiVersion', message });
  }
  if (documentKind !== kind) {
    errors.push({
      field: 'kind',
      message: `Unsupported value: ${quoted(documentKind)}: supported values: ${quoted(kind)}`,
    });
  }
  for (const key of Object.keys(unknown)) errors.push({ field: key, message: `unknown field ${quoted(key)}` });
  return errors;
}

function checkSpec(
  checks: Checks,
  given: unknown,
  old: unknown,
): { readonly spec?: unknown; readonly errors: readonly FieldError[] } {
  if (given === undefined || given === null) return { errors: [{ field: 'spec', message: 'Required value' }] };
  const spec = withDefaults(checks.schema, given);
  const structural = checks.structure(spec);
  if (structural.length > 0) return { errors: structural };
  return { spec, errors: checks.rules(spec, old) };
}

function refusal(
  first: FieldError,
  ...more: FieldError[]
): { readonly errors: readonly [FieldError, ...FieldError[]] } {
  return { errors: [first, ...more] };
}
