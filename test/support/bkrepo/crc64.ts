/** CRC-64 as bk-repo stores it in `crc64ecma`: reflected ECMA-182 polynomial, inverted, as unsigned decimal text. */

const POLYNOMIAL = 0xc96c5795d7870f42n;
const SLICES = 8;

/** HIGH[256·s + b], LOW[…]: what byte b adds to the register s bytes later; eight bytes are taken at a time. */
const HIGH = new Int32Array(SLICES * 256);
const LOW = new Int32Array(SLICES * 256);
for (let byte = 0; byte < 256; byte += 1) {
  let value = BigInt(byte);
  for (let slice = 0; slice < SLICES; slice += 1) {
    for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ POLYNOMIAL : value >> 1n;
    HIGH[slice * 256 + byte] = Number(BigInt.asIntN(32, value >> 32n));
    LOW[slice * 256 + byte] = Number(BigInt.asIntN(32, value));
  }
}

export class Crc64 {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): this {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const whole = bytes.length - (bytes.length % SLICES);
    let high = this.#high;
    let low = this.#low;
    for (let at = 0; at < whole; at += SLICES) {
      const a = low ^ view.getInt32(at, true);
      const b = high ^ view.getInt32(at + 4, true);
      high = eight(HIGH, a, b);
      low = eight(LOW, a, b);
    }
    for (const byte of bytes.subarray(whole)) {
      const index = (low ^ byte) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (LOW[index] ?? 0);
      high = (high >>> 8) ^ (HIGH[index] ?? 0);
    }
    this.#high = high;
    this.#low = low;
    return this;
  }

  digest(): string {
    return ((BigInt(~this.#high >>> 0) << 32n) | BigInt(~this.#low >>> 0)).toString();
  }
}

function eight(table: Int32Array, a: number, b: number): number {
  return (
    (table[1792 + (a & 0xff)] ?? 0) ^
    (table[1536 + ((a >>> 8) & 0xff)] ?? 0) ^
    (table[1280 + ((a >>> 16) & 0xff)] ?? 0) ^
    (table[1024 + (a >>> 24)] ?? 0) ^
    (table[768 + (b & 0xff)] ?? 0) ^
    (table[512 + ((b >>> 8) & 0xff)] ?? 0) ^
    (table[256 + ((b >>> 16) & 0xff)] ?? 0) ^
    (table[b >>> 24] ?? 0)
  );
}
