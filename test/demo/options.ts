import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly kubernetes: boolean;
  readonly rest: boolean;
  readonly realtime: boolean;
  readonly keep: boolean;
  readonly json: boolean;
}

const USAGE = `npm run demo [-- OPTIONS]
  --realtime     write to the source while it is followed (REAL_TIME), and measure how far behind the far sides are
  --kubernetes   through a real API server, with kubectl apply (default: standalone, without Kubernetes)
  --rest         make everything by REST calls only, as bk-repo's API documents show them, and watch it by REST
  --keep         leave everything running at the end and print the addresses
  --json         print one final line of JSON on standard output, everything else on standard error
                 with --rest also "requests": how many REST requests were made
                 with --realtime also "events", "lagMsP50", "lagMsP99": how many writes, and milliseconds until they
                 were at the far sides
`;

/** @throws {TypeError} naming an option that there is not */
export function demoOptions(argv: readonly string[]): DemoOptions | { readonly help: string } {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      kubernetes: { type: 'boolean', default: false },
      rest: { type: 'boolean', default: false },
      realtime: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { help, kubernetes, rest, realtime, keep, json } = values;
  return help ? { help: USAGE } : { kubernetes, rest, realtime, keep, json };
}
