/** What every route of the shim works with. */
import type { Admit } from '../api/validate.ts';
import type { Journal } from '../journal/journal.ts';
import type { Clock } from '../lib/clock.ts';
import type { Zone } from '../lib/local-time.ts';
import type { ResourceEditor } from '../resources/editor.ts';
import type { ResourceStore } from '../resources/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Catalogue } from './catalogue.ts';
import type { FarSideProbe } from './ports.ts';

/** The journal's read side. */
export type RecordReader = Pick<Journal, 'findRun' | 'runPage' | 'lastRuns' | 'details' | 'countDetails'>;

/** In which namespaces the shim works; objects of others are not seen. */
export interface Namespaces {
  /** Where Clusters are created, and tasks of projects that no rule names. */
  readonly usual: string;
  /** All, `usual` first, without duplicates. */
  readonly all: readonly string[];
  ofProject(projectId: string): string;
}

export interface RestContext {
  readonly store: Pick<ResourceStore, 'get' | 'list' | 'subscribe'>;
  /** The objects of `store` that REST shows. */
  readonly catalogue: Catalogue;
  readonly editor: ResourceEditor;
  readonly records: RecordReader;
  readonly farSides: FarSideProbe;
  readonly namespaces: Namespaces;
  /** Value of the label `replication.bkrepo.io/instance` that created objects carry; undefined = none. */
  readonly instance: string | undefined;
  /** What answers call this side: bk-repo's `localCluster`. */
  readonly localCluster: string;
  /** Of dates in requests and answers (contract §1.3), unless the header X-BKREPO-Time-Zone names another. */
  readonly zone: Zone;
  /** IANA name in which tasks without a zone run (configuration `schedule.timeZone`). */
  readonly scheduleZone: string;
  readonly admit: Admit;
  readonly clock: Clock;
  /** Lower-case hex digits of so many random bytes. */
  readonly randomHex: (bytes: number) => string;
  readonly logger: Logger;
}
