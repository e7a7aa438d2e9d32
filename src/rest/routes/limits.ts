/** Most entries of an answer that has no pages. */
export const MAX_LIST = 10_000;
