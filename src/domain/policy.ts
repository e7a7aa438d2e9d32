/**
 * Who may copy what (design "Who may copy what"): the operator can read every project, so a resource is no permission.
 * Rules pair namespaces with projects and hosts; a task needs one rule that names its namespace, its project *and* the
 * far side's host. Pure; hosts are matched where connections are made.
 */

/** Patterns: `*` stands for any run of characters; hosts are patterns of the host guard. */
export interface PolicyRule {
  readonly namespaces: readonly string[];
  readonly projects: readonly string[];
  readonly hosts: readonly string[];
}

export interface Policy {
  readonly rules: readonly PolicyRule[];
}

/** With no rules configured the operator's own namespace may use everything, and others nothing. */
export function effectivePolicy(rules: readonly PolicyRule[], ownNamespace: string): Policy {
  return { rules: rules.length > 0 ? rules : [{ namespaces: [ownNamespace], projects: ['*'], hosts: ['*'] }] };
}

/** `ProjectNotAllowed` in words; undefined = allowed. */
export function refuseProject(policy: Policy, namespace: string, projectId: string): string | undefined {
  return rulesFor(policy, namespace, projectId).length > 0
    ? undefined
    : `namespace ${namespace} may not copy project ${projectId}: no rule of this installation's policy allows it (policy.rules of its configuration)`;
}

/** Host patterns that this namespace may have as far sides, for one project or (for probes) for any. */
export function allowedHosts(policy: Policy, namespace: string, projectId?: string): readonly string[] {
  return [...new Set(rulesFor(policy, namespace, projectId).flatMap((rule) => rule.hosts))];
}

function rulesFor(policy: Policy, namespace: string, projectId: string | undefined): readonly PolicyRule[] {
  return policy.rules.filter(
    (rule) =>
      rule.namespaces.some((pattern) => matchesPattern(pattern, namespace)) &&
      (projectId === undefined || rule.projects.some((pattern) => matchesPattern(pattern, projectId))),
  );
}

/**
 * Whether the text fits a pattern of an administrator, in which `*` stands for any run of characters. Linear in the
 * text, whatever the pattern: the text is anybody's.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  const first = parts.shift() ?? '';
  const last = parts.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first)) return false;
  let from = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return text.length - last.length >= from && text.endsWith(last);
}
