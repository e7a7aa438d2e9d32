import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ObjectId } from 'mongodb';
import { Lateness, ToldIds } from '../../../../src/source/feed/eventlog-memory.ts';

const START = 1_800_000_000;

const idOf = (second: number): ObjectId =>
  new ObjectId((START + second).toString(16).padStart(8, '0') + new ObjectId().toHexString().slice(8));

describe('the ids that were told', () => {
  it('are known, and counted by second', () => {
    const told = new ToldIds();
    const ids = [0, 0, 2, 3].map(idOf);
    for (const id of [...ids, ...ids]) told.add(id);
    assert.deepEqual(
      [...ids, idOf(0)].map((id) => told.has(id)),
      [true, true, true, true, false],
    );
    const { from, counts } = told.seen(START, START + 3);
    assert.deepEqual([from, counts.length, counts.slice(-5)], [START - 60, 64, [0, 2, 0, 1, 1]]);
    assert.deepEqual(told.seen(START, START + 9_999).counts.length, 600);
    assert.deepEqual(told.seen(START, START - 61).counts, []);
    assert.equal(told.size, 4);
  });

  it('are forgotten when they are too old', () => {
    const told = new ToldIds();
    const [old, young] = [idOf(1), idOf(2)];
    told.add(old);
    told.add(young);
    told.forgetBefore(START + 2);
    assert.deepEqual([told.has(old), told.has(young), told.size, told.givenUpBefore], [false, true, 1, 0]);
  });

  it('are bounded: the oldest are given up, and where is said', () => {
    const told = new ToldIds(10);
    for (let second = 0; second < 100; second += 1) for (let one = 0; one < 3; one += 1) told.add(idOf(second));
    assert.ok(told.size <= 10);
    assert.equal(told.givenUpBefore, START + 97);
    assert.deepEqual(told.seen(START + 99, START + 99).counts.slice(-4), [0, 3, 3, 3]);
  });
});

describe('the lateness of entries', () => {
  it('is a minute as long as none was seen', () => {
    const lateness = new Lateness();
    assert.deepEqual([lateness.wide, lateness.narrow], [60, 2]);
  });

  it('adds to both overlaps, to the small one up to a quarter of a minute', () => {
    const lateness = new Lateness();
    lateness.saw(5);
    assert.deepEqual([lateness.wide, lateness.narrow], [65, 7]);
    lateness.saw(600);
    lateness.saw(3);
    assert.deepEqual([lateness.wide, lateness.narrow], [660, 15]);
  });

  it('is forgotten after a time, soon for the small overlap', () => {
    const lateness = new Lateness();
    lateness.saw(5);
    lateness.turn();
    assert.equal(lateness.narrow, 7);
    lateness.turn();
    assert.deepEqual([lateness.wide, lateness.narrow], [65, 2]);
    for (let turn = 0; turn < 30; turn += 1) lateness.turn();
    assert.equal(lateness.wide, 60);
  });

  it('is that of an id behind a younger one, unless that is of the future', () => {
    const late = (seconds: readonly number[], latest: number) => {
      const lateness = new Lateness();
      lateness.sawInOrder(seconds.map(idOf), START + latest);
      return lateness.wide - 60;
    };
    assert.equal(late([1, 2, 2, 3], 10), 0);
    assert.equal(late([1, 7, 2, 8, 5], 10), 5);
    assert.equal(late([1, 600, 2, 601, 3], 10), 0);
    assert.equal(late([10, 1, 11, 2, 12], 100), 9);
  });

  it('is never more than half an hour', () => {
    const lateness = new Lateness();
    lateness.saw(1e9);
    assert.equal(lateness.wide, 60 + 1_800);
  });
});
