/** A signal of one piece of work: aborted with the outer signal, or by its own deadline. `release` ends both links. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  release(): void;
}

/**
 * Links to `outer` by a listener that `release` takes off again, so that a signal which lives as long as the process
 * does not gather one entry for every request. `timeout` aborts with `timeout.reason()` after `timeout.ms`.
 */
export function linkSignal(
  outer: AbortSignal,
  timeout?: { readonly ms: number; readonly reason: () => unknown },
): LinkedSignal {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(outer.reason);
  if (outer.aborted) onAbort();
  else outer.addEventListener('abort', onAbort, { once: true });
  const timer = timeout && setTimeout(() => controller.abort(timeout.reason()), timeout.ms);
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    release: () => {
      outer.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    },
  };
}
