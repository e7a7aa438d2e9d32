import type { Target } from '../../engine/ports.ts';
import type { BkRepoTargetOptions } from './options.ts';

/** Opens no connection. Fails with spec errors for a bad url, certificate or proxy, and `HostNotAllowed`. */
export function createBkRepoTarget(_options: BkRepoTargetOptions): Target {
  throw new Error('not built yet');
}
