/** Pages of lists (contract §1.3). */
import { complain } from '../codes.ts';

const DEFAULT_PAGE_SIZE = 20;
const MAX_PAGE_SIZE = 1_000;

export interface PageQuery {
  readonly pageNumber?: number | undefined;
  readonly pageSize?: number | undefined;
}

export interface PageRequest {
  /** From 1. */
  readonly pageNumber: number;
  /** 1 to 1,000. */
  readonly pageSize: number;
  /** Entries before the page. */
  readonly skip: number;
}

/** `count` and `page` are old names of `totalRecords` and `pageNumber` that are still sent. */
export interface Page<T> {
  readonly pageNumber: number;
  readonly pageSize: number;
  readonly totalRecords: number;
  readonly totalPages: number;
  readonly records: readonly T[];
  readonly count: number;
  readonly page: number;
}

/**
 * A number of 0 or less means 1 (documents say `pageNumber=0`), a size above the bound means the bound. A size below 1
 * is 250105.
 */
export function pageRequest({ pageNumber = 1, pageSize = DEFAULT_PAGE_SIZE }: PageQuery): PageRequest {
  if (pageSize < 1) throw complain('parameterInvalid', 'pageSize', 'must be at least 1');
  const size = Math.min(pageSize, MAX_PAGE_SIZE);
  const number = Math.min(Math.max(pageNumber, 1), Math.floor(Number.MAX_SAFE_INTEGER / size));
  return { pageNumber: number, pageSize: size, skip: (number - 1) * size };
}

export function pageOf<T>(page: PageRequest, total: number, records: readonly T[]): Page<T> {
  return {
    pageNumber: page.pageNumber,
    pageSize: page.pageSize,
    totalRecords: total,
    totalPages: Math.ceil(total / page.pageSize),
    records,
    count: total,
    page: page.pageNumber,
  };
}

/** The page out of all entries. */
export function pageFrom<T>(page: PageRequest, all: readonly T[]): Page<T> {
  return pageOf(page, all.length, all.slice(page.skip, page.skip + page.pageSize));
}
