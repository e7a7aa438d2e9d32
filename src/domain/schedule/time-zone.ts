/** Time zones by their IANA name, as a user may name them, and instants of their local times. */
import { UnknownZoneError, type Zone, zoneOf } from '../../lib/local-time.ts';
import { FARTHEST_OFFSET, stretchesIn } from './zone-stretches.ts';

/** A zone that cannot be used; the message says why. */
export class ZoneFault extends Error {
  readonly code = 'ZoneFault';
}

/**
 * The runtime knows abbreviations too, and each means another zone to somebody (CST: Chicago to the runtime, China to
 * those who live there). These are the abbreviations that the IANA database itself has.
 */
const ABBREVIATIONS = new Set('CET EET EST GMT HST MET MST PRC ROC ROK UCT UTC WET'.split(' '));

/** @throws {ZoneFault} */
export function namedZone(name: string): Zone {
  if (name === '') throw new ZoneFault('timeZone is empty; name a zone of the IANA database, like Asia/Shanghai');
  const shown = JSON.stringify(name.length <= 64 ? name : `${name.slice(0, 64)}…`);
  if (/^[+-]|^(?:UTC|GMT)[+-]/i.test(name))
    throw new ZoneFault(`timeZone ${shown} is an offset; name a zone of the IANA database, like Asia/Shanghai`);
  if (/^[a-z]{3}$/i.test(name) && !ABBREVIATIONS.has(name.toUpperCase()))
    throw new ZoneFault(
      `timeZone ${shown} is an abbreviation, which means several zones; name one of the IANA database, like Asia/Shanghai`,
    );
  try {
    if (name.toUpperCase() !== 'Z') return zoneOf(name);
  } catch (error) {
    if (!(error instanceof UnknownZoneError)) throw error;
  }
  throw new ZoneFault(
    `timeZone ${shown} is not in the IANA database that this program has; an example is Asia/Shanghai`,
  );
}

/** The instant of a local time, in milliseconds; the first instant after a gap, the first pass of a fold. */
export function instantOfLocal(local: number, zone: Zone): number {
  for (const { from, to, offset, before = offset } of stretchesIn(
    zone,
    local - FARTHEST_OFFSET,
    local + FARTHEST_OFFSET,
  )) {
    const instant = local - offset;
    if (instant < from && local >= from + before) return from;
    if (instant >= from && instant < to) return instant;
  }
  throw new RangeError(`zone ${zone.name} has no instant for local time ${local}`);
}
