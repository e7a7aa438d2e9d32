/** Where we deliberately answer otherwise than Quartz; docs/scheduling.md tells users the same. */

export interface Refusal {
  /** What our message says. */
  readonly why: RegExp;
  /** Quartz takes these. */
  readonly examples: readonly string[];
}

/** What Quartz takes in and then ignores or misreads, or what never fires. Nothing else that it takes is refused. */
export const REFUSALS: readonly Refusal[] = [
  { why: /Quartz ignores the step after a name/, examples: ['0 0 0 ? * MON-FRI/2', '0 0 0 1 JAN/3 ?'] },
  { why: /: it has \d+ fields/, examples: ['0 0 0 * * ? 2030 *'] },
  { why: /not every month has that day/, examples: ['0 0 0 31W * ?', '0 0 0 L-30W * ?'] },
  {
    why: /is not understood/,
    examples: ['0 0 0 1W/2 * ?', '0 0 *5 * * ?', '0 0 0 1-5W * ?', '0 0 5-3-1 * * ?', '0 0 0 ? * *#2'],
  },
  {
    why: /is neither a number nor a name|is no number/,
    examples: ['0 0 0 ? * MONDAY', '0 0 0 1 JANUARY ?', '0 0 0 L-W * ?'],
  },
  { why: /stands alone in its field/, examples: ['0 0 0 1W,15 * ?', '0 0 0 ? * 2#1,3'] },
  { why: /is not for this field/, examples: ['0 0 L * * ?', '0 0 0 ? * LW', '0 0 0 ? * L-3'] },
  { why: /one of day of month and day of week/, examples: ['0 0 0 ?,5 * 2', '0 0 0 ?5 * 2', '0 0 0 98 * 2'] },
  { why: /has a comma with nothing beside it/, examples: ['0 0 0 1,,2 * ?'] },
  {
    why: /is (?:more|less) than/,
    examples: ['0 0 0 1 1 ? 2105', '99 0 0 * * ?', '0 0 0 ? * 8#1', '0 0 0 5-0 * ?', '0 0 0 0W * ?'],
  },
  { why: /a step must be at least 1/, examples: ['0 0/0 0 * * ?', '0 */0 0 * * ?'] },
  { why: /: never: /, examples: ['0 0 0 31 2 ?', '0 0 0 ? 2 2#5 2027'] },
];

export interface ClockChange {
  readonly what: string;
  readonly expression: string;
  readonly zone: string;
  readonly after: string;
  readonly ours: string;
  readonly quartz: string;
}

/** On days of clock change our rule is another (src/domain/schedule/schedule.ts). */
export const CLOCK_CHANGES: readonly ClockChange[] = [
  {
    what: 'a fixed time inside a gap: Quartz skips it',
    expression: '0 30 2 * * ?',
    zone: 'Europe/Berlin',
    after: '2026-03-28T12:00:00.000Z',
    ours: '2026-03-29T01:00:00.000Z',
    quartz: '2026-03-30T00:30:00.000Z',
  },
  {
    what: 'a yearly time inside a gap: Quartz skips the year',
    expression: '0 30 2 29 3 ?',
    zone: 'Europe/Berlin',
    after: '2026-03-28T12:00:00.000Z',
    ours: '2026-03-29T01:00:00.000Z',
    quartz: '2027-03-29T00:30:00.000Z',
  },
  {
    what: 'midnight inside a gap: Quartz skips the day',
    expression: '0 0 0 * * ?',
    zone: 'America/Sao_Paulo',
    after: '2018-11-03T12:00:00.000Z',
    ours: '2018-11-04T03:00:00.000Z',
    quartz: '2018-11-05T02:00:00.000Z',
  },
  {
    what: 'a fixed time inside a gap of half an hour: Quartz skips it',
    expression: '0 15 2 * * ?',
    zone: 'Australia/Lord_Howe',
    after: '2026-10-03T12:00:00.000Z',
    ours: '2026-10-03T15:30:00.000Z',
    quartz: '2026-10-04T15:15:00.000Z',
  },
  {
    what: 'a day that was left out whole: Quartz skips it',
    expression: '0 0 12 30 12 ?',
    zone: 'Pacific/Apia',
    after: '2011-12-29T00:00:00.000Z',
    ours: '2011-12-30T10:00:00.000Z',
    quartz: '2012-12-29T22:00:00.000Z',
  },
  {
    what: 'a fixed time inside a fold: Quartz runs on the second pass',
    expression: '0 30 2 * * ?',
    zone: 'Europe/Berlin',
    after: '2026-10-24T12:00:00.000Z',
    ours: '2026-10-25T00:30:00.000Z',
    quartz: '2026-10-25T01:30:00.000Z',
  },
  {
    what: 'every hour through a fold: Quartz skips an hour',
    expression: '0 30 * * * ?',
    zone: 'Europe/Berlin',
    after: '2026-10-25T00:00:00.000Z',
    ours: '2026-10-25T00:30:00.000Z',
    quartz: '2026-10-25T01:30:00.000Z',
  },
  {
    what: 'every second hour through a fold: Quartz leaves out the first pass',
    expression: '0 30 1-5/2 * * ?',
    zone: 'America/New_York',
    after: '2026-11-01T04:00:00.000Z',
    ours: '2026-11-01T05:30:00.000Z',
    quartz: '2026-11-01T06:30:00.000Z',
  },
];
