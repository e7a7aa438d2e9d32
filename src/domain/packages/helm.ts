/** HELM: the chart, and its provenance file when it has one: the signature first, so that a seen chart can be verified. */
import { artifacts, firstLive, type Layout, plain, type Subject } from './layout.ts';

export const HELM: Layout = {
  claims: (subject) => [...charts(subject), ...charts(subject).map((chart) => `${chart}.prov`)],
  *map(subject) {
    const found = yield* artifacts(subject, charts(subject));
    const files: string[] = [];
    for (const chart of found) {
      const provenance = yield* firstLive([`${chart}.prov`]);
      files.push(...(provenance === undefined ? [] : [provenance.fullPath]), chart);
    }
    return { files: plain(files), indexes: [] };
  },
};

function charts({ name, version }: Subject): readonly string[] {
  return [`/${name}-${version.name}.tgz`];
}
