/** Which units of the task's objects a run works on, when it is not all of them. */

/** A file, a package version, or (without version) a package with all that the object selects of it. */
export interface SelectedUnit {
  readonly fullPath: string;
  readonly packageKey?: string;
  readonly version?: string;
}

/** What is to be done of one task object. */
export type SelectedScope = 'nothing' | 'units' | 'whole';

export interface UnitSelection {
  /** A package or version that the object names, and that the source lacks, is a failed unit. */
  readonly tellsMissing: boolean;
  scope(index: number, signal: AbortSignal): Promise<SelectedScope>;
  /** Packages and versions, those of one package together; of one package only, when `packageKey` is given. */
  packages(index: number, signal: AbortSignal, packageKey?: string): AsyncIterable<readonly SelectedUnit[]>;
  /** Paths of files, page by page: index documents among them. */
  paths(index: number, signal: AbortSignal): AsyncIterable<readonly string[]>;
  /** Those of the paths that the object names which are to be gone through as a whole. */
  named(index: number, paths: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
}
