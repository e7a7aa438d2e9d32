/** Memory of another process, from Linux's /proc (proc(5)). MB = 10⁶ bytes. */
import { readFile, writeFile } from 'node:fs/promises';

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

async function statusMb(pid: number, field: string): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return (Number(kibibytes) * 1024) / 1e6;
}
