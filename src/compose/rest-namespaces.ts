/** In which namespaces the REST shim works: one, or chosen by project. */
import { type Config, ConfigError } from '../config.ts';
import { matchesPattern } from '../domain/policy.ts';
import type { Namespaces } from '../rest/context.ts';

/** A DNS label (RFC 1123). */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws {ConfigError} for what is no namespace, or one that this installation does not serve */
export function restNamespaces(config: Config, ownNamespace: string): Namespaces {
  const { namespace, projects } = config.rest;
  const usual = namespace ?? ownNamespace;
  const named = [
    { key: namespace === undefined ? 'rest.namespace (by default the own one)' : 'rest.namespace', name: usual },
    ...projects.map((rule, index) => ({ key: `rest.projects.${index}.namespace`, name: rule.namespace })),
  ];
  const problems = named.flatMap(({ key, name }) => {
    if (!NAME.test(name)) return [`${key}: "${name}" is no name of a namespace`];
    if (config.watchNamespaces.length === 0 || config.watchNamespaces.includes(name)) return [];
    return [`${key}: ${name} is not in watchNamespaces, so nothing there would be served`];
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    usual,
    all: [...new Set(named.map(({ name }) => name))],
    ofProject: (projectId) =>
      projects.find((rule) => rule.projects.some((pattern) => matchesPattern(pattern, projectId)))?.namespace ?? usual,
  };
}
