import { toLocalTime, type Zone, zoneOf } from '../../lib/local-time.ts';
import { type BkRepoClient, ignored } from './client.ts';

/** Dates as the far side reads them. */
export class FarZone {
  readonly #client: BkRepoClient;
  #warned = false;

  constructor(client: BkRepoClient) {
    this.#client = client;
  }

  async localTime(instant: Date, signal: AbortSignal): Promise<string> {
    return toLocalTime(instant, await this.zone(signal));
  }

  /**
   * Asks a far side that was not heard yet: dates cannot be put right afterwards. One that tells no zone (older than the
   * header) gets UTC: off by hours at most, where "now" may be off by years.
   */
  async zone(signal: AbortSignal): Promise<Zone> {
    const { endpoints, options } = this.#client;
    if (this.#client.zone === undefined && !this.#client.heard)
      await this.#client.call({ method: 'GET', path: endpoints.replica(['ping']), data: ignored }, signal);
    const { zone } = this.#client;
    if (zone !== undefined) return zone;
    if (!this.#warned)
      options.logger.warn('the zone of the far side is unknown, dates are sent as UTC; set spec.timeZone', {
        farSide: options.name,
      });
    this.#warned = true;
    return zoneOf('Z');
  }
}
