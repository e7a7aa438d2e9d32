/** What the parts of one run at one far side share, and the unit they hand to each other. */
import type { ReplicationError } from '../domain/errors.ts';
import type { BlobCourier } from './blob-courier.ts';
import type { FailureMemory } from './failure-memory.ts';
import type { FarSideLink } from './far-side-link.ts';
import type { ProofMethod } from './ports/journal.ts';
import type { SourceNode, SourceRepository } from './ports/source.ts';
import type { TargetRepository } from './ports/target.ts';
import type { Recorder } from './recorder.ts';
import type { RunDeps, RunObject, RunSetting } from './run-types.ts';
import type { SourceReader } from './source-reader.ts';
import type { UnitPool } from './unit-pool.ts';
import type { UnitSelection } from './unit-selection.ts';

export interface FarSideContext {
  readonly deps: RunDeps;
  readonly setting: RunSetting;
  readonly localProjectId: string;
  /** The far side gets blobs only (Cluster type EDGE). */
  readonly blobsOnly: boolean;
  readonly reader: SourceReader;
  readonly link: FarSideLink;
  readonly courier: BlobCourier;
  readonly recorder: Recorder;
  readonly failures: FailureMemory;
  /** Units (and their bytes) were met that a count of what the source holds does not have. */
  readonly foresee: (units: number, bytes: number) => void;
  /** Gives the far side up: nothing new is started there, what is in flight is aborted, the rest is not tried. */
  readonly giveUp: (error: ReplicationError) => void;
  /** The whole run cannot go on (the journal is lost to us): rejects it and leaves the record open. */
  readonly fail: (error: unknown) => void;
}

/** One task object at one far side. */
export interface ObjectContext extends FarSideContext {
  readonly index: number;
  readonly object: RunObject;
  readonly repository: SourceRepository;
  readonly target: TargetRepository;
  /** Of this object only these units; undefined = all that it selects. */
  readonly only: UnitSelection | undefined;
  /** The source could not be read to the object's end: units of it may be unknown. */
  readonly unread: (error: ReplicationError) => void;
}

/** How the parts of an object's run start units, and when they stop. */
export interface ObjectRunOptions {
  readonly pool: UnitPool;
  /** Aborted when the far side was given up, or with the run. */
  readonly farSide: AbortSignal;
  /** The whole run. */
  readonly run: AbortSignal;
  readonly givenUp: () => ReplicationError | undefined;
}

/** One file on its way. */
export interface Unit {
  /** As planned; what travels of its metadata is already selected. */
  readonly node: SourceNode;
  /** As the source has it. */
  readonly listed: SourceNode;
  /** The node is made of blocks: its digest is not in the source's database. */
  readonly rebuilt: boolean;
  readonly startTime: Date;
  /** How often it was begun again because the source or the far side changed underneath. */
  readonly redone: number;
  /** sha256 of an earlier state of this file that this run has committed: as long as it lies there, it is ours to replace. */
  readonly ownDigest: string | undefined;
  /** Metadata keys of earlier states of this file that this run has committed. */
  readonly ownKeys: readonly string[];
  /** The record of this run has a row for it, from before a crash: its final state must replace that row. */
  readonly recorded: boolean;
}

/** A unit whose commit was accepted, and which has to be read back before it counts. */
export interface Committed {
  readonly unit: Unit;
  readonly bytesSent: number;
  /** Its blob was uploaded for it. */
  readonly pushed: boolean;
  /** What lies there now is this task's doing. */
  readonly isOurs: boolean;
  readonly proof: ProofMethod | undefined;
  /** Metadata keys that are this task's from now on, where there may have been others that the source has dropped. */
  readonly ownedKeys?: readonly string[];
}
