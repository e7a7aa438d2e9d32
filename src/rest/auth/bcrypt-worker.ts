/** The thread of bcrypt-thread.ts: answers each question with whether the password fits the hash, in their order. */
import { parentPort } from 'node:worker_threads';

import { compareSync } from 'bcryptjs';

import type { BcryptQuestion } from './bcrypt-thread.ts';

parentPort?.on('message', ({ password, hash }: BcryptQuestion) => parentPort?.postMessage(compareSync(password, hash)));
