/** Those who write to the source, through a server of their own, side by side: one files, one packages. */
import { setTimeout as delay } from 'node:timers/promises';
import { type SeededRandom, seededRandom } from '../../support/seed.ts';
import { SourceWriter } from '../../support/source-writer.ts';
import { fillSmallSource } from '../content.ts';
import { NAMES, PROJECT, type Sides } from '../sides.ts';
import type { Arrivals, Write } from './arrivals.ts';
import { FILE_WRITES, FileWrites } from './file-writes.ts';
import { PACKAGE_WRITES, PackageWrites } from './package-writes.ts';

/** Milliseconds in which all is written when the machine can, and after which no more is written when it cannot. */
const WRITE_MS = 5_000;
const LONGEST_MS = 12_000;
const SEED = 7;

export class Writers {
  readonly #files: FileWrites;
  readonly #packages: PackageWrites;
  readonly #random: SeededRandom = seededRandom(SEED);
  /** What was done so far, in words. */
  readonly written: string[] = [];

  private constructor(files: FileWrites, packages: PackageWrites) {
    this.#files = files;
    this.#packages = packages;
  }

  /** Fills the source with what is there before anybody follows. */
  static async prepare(sides: Sides): Promise<Writers> {
    const { db, storeDir } = sides.source;
    const writer = await SourceWriter.start({ db, storeDir, server: await sides.serveSource() });
    const files = await writer.repository(PROJECT, NAMES.GENERIC);
    const [npm, maven, images] = await Promise.all([
      writer.repository(PROJECT, NAMES.NPM, 'NPM'),
      writer.repository(PROJECT, NAMES.MAVEN, 'MAVEN'),
      writer.repository(PROJECT, NAMES.OCI, 'OCI'),
    ]);
    await fillSmallSource(sides.builder.existing(PROJECT, NAMES.GENERIC));
    const writers = new Writers(new FileWrites(files, seededRandom(SEED)), new PackageWrites({ npm, maven, images }));
    await writers.#files.prepare();
    await writers.#packages.prepare();
    return writers;
  }

  /** One file. */
  async writeOne(arrivals: Arrivals): Promise<void> {
    arrivals.expect(await this.#files.perform('upload', arrivals));
  }

  /** Everything that there is to do, in an even flow; less on a slow machine. */
  async writeAll(arrivals: Arrivals): Promise<void> {
    await Promise.all([
      this.#flow(FILE_WRITES, (kind) => this.#files.perform(kind, arrivals), arrivals),
      this.#flow(PACKAGE_WRITES, (kind) => this.#packages.perform(kind, arrivals), arrivals),
    ]);
  }

  async #flow<Kind extends string>(
    counts: Readonly<Record<Kind, number>>,
    perform: (kind: Kind) => Promise<Write>,
    arrivals: Arrivals,
  ): Promise<void> {
    const kinds = Object.keys(counts) as Kind[];
    const others = kinds.flatMap((kind) => Array.from({ length: counts[kind] - 1 }, () => kind));
    // However slow the machine is, each is done once.
    const all = [...kinds, ...this.#random.shuffle(others)];
    const begun = performance.now();
    for (const [index, kind] of all.entries()) {
      if (index >= kinds.length && performance.now() - begun > LONGEST_MS) return;
      await delay(Math.max(begun + (index / all.length) * WRITE_MS - performance.now(), 0));
      arrivals.expect(await perform(kind));
      this.written.push(kind);
    }
  }
}
