/** Archives of a few small files, byte for byte the same for the same entries: no clock, no user, no machine in them. */
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

/** Path in the archive → content. */
export type Entries = Readonly<Record<string, string | Uint8Array>>;

const BLOCK = 512;
/** 1985-10-26T08:15:00Z, the time that npm gives files. */
const MTIME = 499_162_500;
/** 1980-01-01 as DOS writes it, the oldest date that a zip can hold. */
const DOS_DATE = 0x0021;

/** Regular files in the ustar format, mode 0644. Names up to 100 bytes. */
export function tar(entries: Entries): Buffer {
  const parts = Object.entries(entries).flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    return [tarHeader(name, bytes.length), bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

export function tgz(entries: Entries): Buffer {
  return gzip(tar(entries));
}

export function gzip(content: Uint8Array): Buffer {
  const bytes = gzipSync(content, { level: 9 });
  bytes[9] = 255; // The operating system, unknown: zlib writes the one it runs on.
  return bytes;
}

function tarHeader(name: string, size: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`too long for ustar: ${name}`);
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0'.repeat(2), 108);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write(`${MTIME.toString(8).padStart(11, '0')}\0`, 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

export function zip(entries: Entries): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(entries)) {
    const bytes = Buffer.from(content);
    const packed = deflateRawSync(bytes, { level: 9 });
    const path = Buffer.from(name);
    const common = zipFields(bytes, packed.length, path.length);
    const record = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4, 20, 0]), common, path, packed]);
    const directory = Buffer.alloc(14);
    directory.writeUInt32LE((0o100644 << 16) >>> 0, 6);
    directory.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from([0x50, 0x4b, 1, 2, 20, 3, 20, 0]), common, directory, path]));
    local.push(record);
    offset += record.length;
  }
  const size = central.reduce((total, record) => total + record.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, ...central, end]);
}

/** From the flags to the length of the extra field: the same in both records of a file. Names are UTF-8. */
function zipFields(bytes: Buffer, packed: number, nameLength: number): Buffer {
  const fields = Buffer.alloc(24);
  fields.writeUInt16LE(0x0800, 0);
  fields.writeUInt16LE(8, 2);
  fields.writeUInt16LE(0, 4);
  fields.writeUInt16LE(DOS_DATE, 6);
  fields.writeUInt32LE(crc32(bytes), 8);
  fields.writeUInt32LE(packed, 12);
  fields.writeUInt32LE(bytes.length, 16);
  fields.writeUInt16LE(nameLength, 20);
  return fields;
}
