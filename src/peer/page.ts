import { PeerError } from './errors.ts';
import type { Fields } from './fields.ts';

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 10_000;

export interface PageRequest {
  /** From 1. */
  readonly number: number;
  readonly size: number;
  readonly skip: number;
}

/** The page shape of contract §1.3; `count` and `page` are old names that are still sent. */
export interface Page<T> {
  readonly pageNumber: number;
  readonly pageSize: number;
  readonly totalRecords: number;
  readonly totalPages: number;
  readonly records: readonly T[];
  readonly count: number;
  readonly page: number;
}

/** A number of 0 or less is 1; fails with 250105 for a size that is none or too large. */
export function pageRequest(number = 1, size = DEFAULT_PAGE_SIZE): PageRequest {
  if (size < 1 || size > MAX_PAGE_SIZE) throw new PeerError('parameterInvalid', 'pageSize');
  const from1 = Math.max(1, number);
  return { number: from1, size, skip: (from1 - 1) * size };
}

export function readPage(fields: Fields): PageRequest {
  return pageRequest(fields.integer('pageNumber'), fields.integer('pageSize'));
}

export function pageOf<T>(page: PageRequest, total: number, records: readonly T[]): Page<T> {
  return {
    pageNumber: page.number,
    pageSize: page.size,
    totalRecords: total,
    totalPages: Math.ceil(total / page.size),
    records,
    count: total,
    page: page.number,
  };
}
