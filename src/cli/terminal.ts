/** How commands talk to people: numbers they can read, a progress bar on a terminal, and nothing that a pipe must not see. */
import { SingleBar } from 'cli-progress'

export { bytesInWords as formatBytes } from '../errors/index.ts'

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
}

/** Made once: making it takes longer than all else that is told of a file. */
const grouped = new Intl.NumberFormat('en-US')

/** `1,234 samples`, `1 sample`. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${grouped.format(count)} ${count === 1 ? singular : plural}`
}

/** `3.2 %`; shares too small to show as a number above zero say so. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '–'
  const percent = (100 * part) / whole
  return percent > 0 && percent < 0.01 ? '< 0.01 %' : `${percent.toFixed(percent < 10 ? 2 : 0)} %`
}

/** Columns as wide as their widest cell, two spaces apart. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Work of a known or yet unknown extent, shown while it goes on. */
export interface Progress {
  /** `done` and `total` in one unit of work (bytes, samples); a total that is not known yet is null. */
  show(done: number, total: number | null, text: string): void
  /** A line for people that must not tear the bar. */
  say(line: string): void
  end(): void
}

/**
 * A bar on the standard error output when that is a terminal, with the share done and the time left; silent otherwise.
 * `say` writes to the standard error output in both cases.
 */
export function startProgress(): Progress {
  if (!process.stderr.isTTY) {
    return { show: () => undefined, say: (line) => void process.stderr.write(`${line}\n`), end: () => undefined }
  }
  const began = performance.now()
  const bar = new SingleBar({
    format: '{bar} {share}  {text}',
    stream: process.stderr,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    fps: 8,
    gracefulExit: false,
  })
  bar.start(1, 0, { share: '', text: '' })
  return {
    show(done, total, text) {
      if (total !== null) bar.setTotal(Math.max(1, total))
      const share = total === null ? '' : `${Math.floor((100 * done) / Math.max(1, total))} %`
      bar.update(total === null ? 0 : done, {
        share,
        text: `${text}${formatTimeLeft(performance.now() - began, done, total)}`,
      })
    },
    say(line) {
      process.stderr.write(`\r\u001b[K${line}\n`)
    },
    end() {
      bar.stop()
    },
  }
}

/** `, 2 min 5 s left`, from the mean pace so far; nothing while there is too little to go by. */
export function formatTimeLeft(elapsedMs: number, done: number, total: number | null): string {
  if (total === null || done <= 0 || done >= total || elapsedMs < 2_000) return ''
  return `, ${formatDuration((elapsedMs / done) * (total - done))} left`
}
