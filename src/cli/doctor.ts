/**
 * `doctor`: looks at every prerequisite of an installation, and says for each that is not met what to do. Reads only
 * (but for the journal's indexes, which the operator makes, too); no connection string, password or key is ever printed.
 */
import { ConfigError } from '../config.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { type CommandContext, EXIT, textOption, UsageError } from './command.ts';
import { type Check, type Finding, findingsOf } from './doctor/check.ts';
import type { Patient } from './doctor/patient.ts';
import { outputFormat, plain, printAs } from './output.ts';
import { isStandalone } from './resources.ts';

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  const account = serviceAccountOf(context);
  const { config, clock } = context;
  const settings = { config: config(), clock, logger: silentLogger };
  const [{ sourceChecks }, { journalCheck }, { farSideChecks }, { servingChecks }] = await Promise.all([
    import('./doctor/source.ts'),
    import('./doctor/journal.ts'),
    import('./doctor/far-sides.ts'),
    import('./doctor/serving.ts'),
  ]);
  const patient = await openPatient(context, stop);
  const findings: Finding[] = [];
  try {
    const checks: readonly Check[] = [
      ...(await platformChecks(context, patient, account)),
      ...sourceChecks(settings, () => followsSource(patient, stop)),
      journalCheck(settings),
      ...servingChecks(settings),
    ];
    for (const check of checks) findings.push(...tell(context, await findingsOf(check, clock, stop)));
    for (const check of await farSideChecks(context, patient, stop))
      findings.push(...tell(context, await findingsOf(check, clock, stop)));
  } finally {
    await patient.close();
  }
  const failed = findings.filter(({ result }) => result === 'failed').length;
  printAs(context, { failed, findings }, () =>
    failed === 0 ? 'everything that was looked at is in order\n' : `${failed} failed\n`,
  );
  return failed === 0 ? EXIT.done : EXIT.failed;
}

/** Told as soon as it is known: some checks take seconds. */
function tell(context: CommandContext, findings: readonly Finding[]): readonly Finding[] {
  if (outputFormat(context) !== 'table') return findings;
  for (const { check, result, message, remedy } of findings) {
    context.stdout.write(`${result.padEnd(7)}  ${check}: ${plain(message)}\n`);
    if (remedy !== undefined) context.stdout.write(`         -> ${plain(remedy)}\n`);
  }
  return findings;
}

async function openPatient(context: CommandContext, stop: AbortSignal): Promise<Patient> {
  if (isStandalone(context)) {
    const { openStandalonePatient } = await import('./doctor/standalone-patient.ts');
    return await openStandalonePatient(context, stop);
  }
  const { openKubernetesPatient } = await import('./doctor/kubernetes-patient.ts');
  return openKubernetesPatient(context);
}

async function platformChecks(
  context: CommandContext,
  patient: Patient,
  account: string | undefined,
): Promise<readonly Check[]> {
  if (patient.transport === undefined) return [];
  const { kubernetesChecks } = await import('./doctor/kubernetes.ts');
  const { transport, ownNamespace } = patient;
  return kubernetesChecks({ config: context.config(), transport, ownNamespace, account, patient });
}

/** When tasks cannot be listed another check says so. */
async function followsSource(patient: Patient, stop: AbortSignal): Promise<boolean> {
  try {
    return (await patient.tasks(stop)).some(({ spec }) => spec.replicaType === 'REAL_TIME');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    stop.throwIfAborted();
    return false;
  }
}

/** Of `--service-account`, as the API server names it. */
function serviceAccountOf(context: CommandContext): string | undefined {
  const given = textOption(context, 'service-account');
  if (given === undefined) return undefined;
  if (!/^[^/:]+\/[^/:]+$/.test(given)) throw new UsageError('--service-account must be NAMESPACE/NAME');
  return given;
}
