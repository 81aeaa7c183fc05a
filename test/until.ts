import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Waits until something holds, and fails after `ms` milliseconds with `what` was waited for. The bound only tells "soon"
 * from "never".
 */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string | (() => string | Promise<string>),
  ms = 60_000,
): Promise<void> {
  const begun = performance.now()
  for (let wait = 5; !(await holds()); wait = Math.min(wait * 1.3, 100)) {
    if (performance.now() - begun > ms) {
      assert.fail(`waited ${ms / 1000} s in vain until ${typeof what === 'string' ? what : await what()}`)
    }
    await pause(wait)
  }
}
