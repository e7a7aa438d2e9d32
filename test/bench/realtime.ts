/**
 * Following a source in figures: files written to it at several rates, to one far side and to three, also with the service
 * times of a real server; and a restart with very many changes queued. Lag is measured by the databases of source and far
 * side, from the creation of a file to that of its copy. Promised: the far sides are equal at the end. What the machine
 * cannot carry is not promised: the table says what was written and what was reached. All parts share the machine.
 */
import { parseArgs } from 'node:util';
import { type Figures, RealtimeWorld } from './realtime-world.ts';
import { aligned } from './report.ts';

interface Flow {
  readonly id: string;
  /** Files per second; undefined = written while the program was down. */
  readonly rate?: number;
  readonly files: number;
  readonly farSides: number;
  readonly realTimes?: boolean;
}

const FAR_SIDES = [1, 3] as const;
/** Seconds of each rate: those that no small machine carries leave enough to be made up for. */
const USUAL = {
  seconds: new Map([
    [100, 20],
    [1_000, 4],
    [5_000, 1],
  ]),
  realSeconds: 30,
  queued: 100_000,
};
const QUICK = {
  seconds: new Map([
    [100, 3],
    [1_000, 1],
    [5_000, 0.2],
  ]),
  realSeconds: 5,
  queued: 1_000,
};
/** Below the 60 to 75 new files a second that a real server takes. */
const REAL_RATE = 40;

export interface RealtimeOptions {
  readonly flows: readonly Flow[];
  readonly profiles: string | undefined;
  readonly json: boolean;
}

export const REALTIME_USAGE = `npm run bench -- realtime [OPTIONS]
  --quick              a minute or two: fewer seconds of each rate, and ${QUICK.queued} queued changes instead of ${USUAL.queued}
  --queued N           changes queued while the program is down
  --only TEXT          only the flows whose name contains it, such as "1000/s" or "restart"
  --profiles DIR       the program leaves its CPU profiles in this directory
  --json               print one final line of JSON on standard output, everything else on standard error
The directory for temporary files (TMPDIR) needs 3 GB.
`;

/** @throws {TypeError} for an option that there is not, {@link RangeError} for a value that is none */
export function realtimeOptions(argv: readonly string[]): RealtimeOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      queued: { type: 'string' },
      only: { type: 'string', default: '' },
      profiles: { type: 'string' },
    },
  });
  const size = values.quick ? QUICK : USUAL;
  const queued = Number(values.queued ?? size.queued);
  if (!Number.isSafeInteger(queued) || queued < 1) throw new RangeError('--queued must be a whole number from 1 on');
  const flows = flowsOf({ ...size, queued }).filter(({ id }) => id.includes(values.only));
  if (flows.length === 0) throw new RangeError(`--only: there is no flow with ${values.only} in its name`);
  return { flows, profiles: values.profiles, json: values.json };
}

function flowsOf({ seconds, realSeconds, queued }: typeof USUAL): readonly Flow[] {
  const rates = [...seconds].map(([rate, length]) => ({ name: `${rate}/s`, rate, files: rate * length }));
  const real = { name: `${REAL_RATE}/s, real times`, rate: REAL_RATE, files: REAL_RATE * realSeconds, realTimes: true };
  return [
    ...[...rates, real].flatMap(({ name, ...flow }) =>
      FAR_SIDES.map((farSides) => ({ ...flow, farSides, id: `${name}, far sides: ${farSides}` })),
    ),
    { id: `restart with ${queued} queued`, files: queued, farSides: 1 },
  ];
}

export async function realtime({ flows, profiles, json }: RealtimeOptions): Promise<boolean> {
  const report = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const world = await RealtimeWorld.start(profiles);
  try {
    const rows: Row[] = [];
    const problems: string[] = [];
    for (const flow of flows) {
      const figures =
        flow.rate === undefined ? await world.restart(flow) : await world.flow({ ...flow, rate: flow.rate });
      const row = rowOf(flow, figures);
      rows.push(row);
      report(`${row.id}: ${row.seconds.toFixed(1)} s`);
      problems.push(...figures.differences.map((difference) => `${flow.id}: ${difference}`));
    }
    report(`\n${aligned([COLUMNS.map(([head]) => head), ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row)))])}`);
    for (const problem of problems) report(`NOT as promised: ${problem}`);
    if (json) process.stdout.write(`${JSON.stringify({ rows })}\n`);
    return problems.length === 0;
  } finally {
    await world.stop();
  }
}

interface Row {
  readonly id: string;
  readonly events: number;
  /** Until the last file was at the last far side: from the first one's creation, or from the start of the program. */
  readonly seconds: number;
  /** Events per second that the source took; null = written before. */
  readonly written: number | null;
  /** Events per second that reached every far side. */
  readonly reached: number;
  readonly lagMsP50: number | null;
  readonly lagMsP99: number | null;
  /** Peak of the program's resident set, 10⁶ bytes. */
  readonly rssMb: number;
  /** Processor time of the program, of the mongod that holds source, journal and far sides, and of the far sides. */
  readonly cpuSeconds: number;
  readonly mongodCpuSeconds: number;
  readonly farSidesCpuSeconds: number;
  /** To each far side. */
  readonly requestsPerEvent: number;
}

function rowOf({ id, files, farSides, rate }: Flow, figures: Figures): Row {
  const { seconds, written, lagMsP50, lagMsP99, rssMb, cpu, requests } = figures;
  const queued = rate === undefined;
  return {
    id,
    events: files,
    seconds,
    written: queued ? null : written,
    reached: files / seconds,
    lagMsP50: queued ? null : lagMsP50,
    lagMsP99: queued ? null : lagMsP99,
    rssMb,
    cpuSeconds: cpu.program,
    mongodCpuSeconds: cpu.mongod,
    farSidesCpuSeconds: cpu.farSides,
    requestsPerEvent: requests / files / farSides,
  };
}

const COLUMNS: readonly (readonly [head: string, cell: (row: Row) => string])[] = [
  ['FLOW', ({ id }) => id],
  ['EVENTS', ({ events }) => String(events)],
  ['WRITTEN/S', ({ written }) => written?.toFixed(0) ?? '-'],
  ['REACHED/S', ({ reached }) => reached.toFixed(0)],
  ['SECONDS', ({ seconds }) => seconds.toFixed(1)],
  ['LAG P50 MS', ({ lagMsP50 }) => lagMsP50?.toFixed(0) ?? '-'],
  ['LAG P99 MS', ({ lagMsP99 }) => lagMsP99?.toFixed(0) ?? '-'],
  ['PEAK RSS MB', ({ rssMb }) => rssMb.toFixed(0)],
  ['CPU SECONDS', ({ cpuSeconds }) => cpuSeconds.toFixed(1)],
  ['OF MONGOD', ({ mongodCpuSeconds }) => mongodCpuSeconds.toFixed(1)],
  ['OF FAR SIDES', ({ farSidesCpuSeconds }) => farSidesCpuSeconds.toFixed(1)],
  ['REQUESTS/EVENT', ({ requestsPerEvent }) => requestsPerEvent.toFixed(2)],
];
