/**
 * Imported by every test file that `npm test` runs. A test that never ends, or a hook of one, keeps its process alive for good,
 * and the whole run with it: the runner's own limit makes the test fail, and goes on waiting. Here the process ends, with
 * everything that it has started, after BACKTRAIL_TEST_FILE_SECONDS.
 */
import { readdirSync, readFileSync } from 'node:fs'

const seconds = Number(process.env.BACKTRAIL_TEST_FILE_SECONDS)
const timer = setTimeout(() => {
  console.error(`This test file did not end within ${seconds} seconds, and was ended.`)
  for (const child of descendantsOf(process.pid)) {
    try {
      process.kill(child, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
  process.exit(1)
}, seconds * 1_000)
timer.unref()

/** Processes that this one has started, and those that they have started. Empty where there is no /proc. */
function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of namesIn('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : null
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const found = [...(children.get(pid) ?? [])]
  // Grows while it is walked.
  for (const each of found) found.push(...(children.get(each) ?? []))
  return found
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Null where the process has ended. */
function parentOf(pid: string): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in parentheses, and may have some itself.
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}
