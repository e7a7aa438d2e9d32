/** As Promise.all, but fails only when all have ended: nothing goes on behind the caller's back. */
export async function settledAll<T>(works: readonly Promise<T>[]): Promise<readonly T[]> {
  const results = await Promise.allSettled(works);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
