import type { FakeClock } from '../../../support/fake-clock.ts';

/** Lets everything run that needs no time. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Lets `ms` milliseconds pass in steps, as if timers rang up to a step late. */
export async function pass(clock: FakeClock, ms: number, step = 5): Promise<void> {
  for (let passed = 0; passed < ms; passed += step) {
    clock.advance(step);
    await settle();
  }
}
