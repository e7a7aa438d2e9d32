/** A peer in a process of its own; options as JSON in the first argument. Prints `{"port", …}` and then, on each line that it reads, its memory. */
import { createInterface } from 'node:readline';

import type { PeerOptions } from '../../../src/peer/options.ts';
import { startPeer } from '../../../src/peer/server.ts';

const options = JSON.parse(process.argv[2] ?? '{}') as PeerOptions;
const peer = await startPeer(options);
console.log(JSON.stringify({ port: peer.port }));
for await (const _line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify({ maxRss: process.resourceUsage().maxRSS * 1024 }));
await peer.close();
