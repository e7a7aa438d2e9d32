import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** Seconds for which a browser may keep the answer about what is allowed. */
const MAX_AGE = 600;

/** Lets pages of these origins call and read; without any nothing is said, and browsers refuse. */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  app.register(cors, {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'If-Match',
      'Accept-Language',
      'X-BKREPO-Time-Zone',
      'traceparent',
      'b3',
    ],
    exposedHeaders: ['ETag', 'Retry-After', 'X-BKREPO-RID', 'X-BKREPO-Time-Zone'],
    strictPreflight: false,
    maxAge: MAX_AGE,
  });
}
