/** RPM: the recorded package file, wherever the upload put it. Nothing in the key leads to it (architecture, folder). */
import { artifacts, type Layout, plain } from './layout.ts';

export const RPM: Layout = {
  claims: () => [],
  *map(subject) {
    return { files: plain(yield* artifacts(subject, [])), indexes: [] };
  },
};
