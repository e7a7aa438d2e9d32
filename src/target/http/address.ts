/** What an IP address is, with the IPv4 address taken out of IPv6 forms that carry one. No names, no I/O. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Addresses that never name a far side by themselves; undefined for all others, private ranges among them. */
type SpecialAddress = 'loopback' | 'link-local' | 'unspecified' | 'multicast' | 'reserved';

/** The address as 4 or 16 bytes, or undefined when the text is no address. A zone id (`%eth0`) is dropped. */
export function addressBytes(text: string): readonly number[] | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  if (isIPv4(bare)) return bare.split('.').map(Number);
  if (!isIPv6(bare)) return undefined;
  const [head = '', tail] = hexTail(bare).split('::');
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const fill = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return [...left, ...fill, ...right].flatMap((group) => [group >> 8, group & 0xff]);
}

function groups(part: string): number[] {
  return part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
}

/** `::ffff:1.2.3.4` → `::ffff:102:304`. */
function hexTail(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const high = (Number(a) << 8) | Number(b);
    const low = (Number(c) << 8) | Number(d);
    return `${high.toString(16)}:${low.toString(16)}`;
  });
}

interface Carrier {
  readonly prefix: readonly number[];
  /** Positions of the four bytes. */
  readonly at: readonly number[];
  /** One of several ways to read the same prefix: zeros there mean that it was another. */
  readonly guess?: boolean;
}

/** Where an IPv4 address stands inside an IPv6 one. */
const CARRIERS: readonly Carrier[] = [
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], at: [12, 13, 14, 15] }, // mapped, RFC 4291
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], at: [12, 13, 14, 15] }, // translated, RFC 2765
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], at: [12, 13, 14, 15] }, // compatible, RFC 4291
  { prefix: [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], at: [12, 13, 14, 15] }, // NAT64, RFC 6052
  { prefix: [0, 0x64, 0xff, 0x9b, 0, 1], at: [12, 13, 14, 15], guess: true }, // local NAT64, RFC 8215, as /96
  { prefix: [0, 0x64, 0xff, 0x9b, 0, 1], at: [6, 7, 9, 10], guess: true }, // the same as /48
  { prefix: [0x20, 0x02], at: [2, 3, 4, 5] }, // 6to4, RFC 3056
];

/**
 * The address itself and every IPv4 address that it may stand for, in plain notation. A NAT64 prefix of a network's
 * own choice cannot be known here.
 */
export function unwrap(text: string): readonly string[] {
  const bytes = addressBytes(text);
  if (bytes === undefined) return [];
  if (bytes.length === 4) return [bytes.join('.')];
  const inner = CARRIERS.filter(({ prefix }) => prefix.every((byte, index) => bytes[index] === byte))
    .map(({ at, guess }) => ({ address: at.map((index) => bytes[index]).join('.'), guess }))
    .filter(({ address, guess }) => guess !== true || address !== '0.0.0.0')
    .map(({ address }) => address);
  return [plainIPv6(bytes), ...new Set(inner)];
}

function plainIPv6(bytes: readonly number[]): string {
  const words = Array.from({ length: 8 }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  return words.map((word) => word.toString(16)).join(':');
}

/** The first reason why the address, or one it stands for, is special. */
export function specialAddress(text: string): SpecialAddress | undefined {
  for (const address of unwrap(text)) {
    const bytes = addressBytes(address) ?? [];
    const special = bytes.length === 4 ? specialIPv4(bytes) : specialIPv6(bytes);
    if (special !== undefined) return special;
  }
  return undefined;
}

function specialIPv4([first = 0, second]: readonly number[]): SpecialAddress | undefined {
  if (first === 127) return 'loopback';
  if (first === 169 && second === 254) return 'link-local';
  if (first === 0) return 'unspecified';
  if (first >= 240) return 'reserved';
  return first >= 224 ? 'multicast' : undefined;
}

function specialIPv6(bytes: readonly number[]): SpecialAddress | undefined {
  if (bytes.slice(0, 15).every((byte) => byte === 0)) {
    if (bytes[15] === 1) return 'loopback';
    if (bytes[15] === 0) return 'unspecified';
  }
  if (bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80) return 'link-local';
  return bytes[0] === 0xff ? 'multicast' : undefined;
}

/** Tells whether an address, or one it stands for, is in any of the addresses or CIDR ranges. Throws on what is neither. */
export function addressMatcher(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [base = '', bits] = range.split('/');
    const bytes = addressBytes(base);
    if (bytes === undefined || (bits !== undefined && !/^\d{1,3}$/.test(bits)))
      throw new RangeError(`"${range}" is neither an address nor a CIDR range`);
    const family = bytes.length === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(base, bits === undefined ? bytes.length * 8 : Number(bits), family);
  }
  return (address) =>
    unwrap(address).some((candidate) => list.check(candidate, candidate.includes(':') ? 'ipv6' : 'ipv4'));
}
