/** Memory and processor time of another process, from Linux's /proc (proc(5)). MB = 10⁶ bytes. */
import { readFile, writeFile } from 'node:fs/promises';

/** USER_HZ, the same on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Resident set at this moment. */
export function rssMb(pid: number): Promise<number> {
  return statusMb(pid, 'VmRSS');
}

/** Largest resident set since the process began, or since {@link forgetPeak}. */
export function peakRssMb(pid: number): Promise<number> {
  return statusMb(pid, 'VmHWM');
}

export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

/** Seconds that its threads have worked, in user mode and in the kernel. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name may hold anything, and ends with the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function statusMb(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return (Number(kibibytes) * 1024) / 1e6;
}
