/** HELM: the chart, and its provenance file when it has one: the signature first, so that a seen chart can be verified. */
import { artifacts, firstLive, type Layout, type Owner, plain, type Subject } from './layout.ts';

/** Ways to cut a chart's file name into name and version. */
const MAX_OWNERS = 8;

export const HELM: Layout = {
  claims: (subject) => [...charts(subject), ...charts(subject).map((chart) => `${chart}.prov`)],
  owners: (fullPath) => {
    const chart = /^\/(?<chart>[^/]+)\.tgz(?:\.prov)?$/su.exec(fullPath)?.groups?.['chart'] ?? '';
    const owners: Owner[] = [];
    for (let dash = chart.indexOf('-'); dash > 0; dash = chart.indexOf('-', dash + 1))
      owners.push({ name: chart.slice(0, dash), version: chart.slice(dash + 1) });
    // A name may have dashes, and so may a version: mostly a version begins with its first number.
    const isLikely = ({ version }: Owner): boolean => /^v?[0-9]/u.test(version);
    return [...owners.filter(isLikely), ...owners.filter((owner) => !isLikely(owner))].slice(0, MAX_OWNERS);
  },
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
