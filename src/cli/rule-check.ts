/** Checks rule files as saving them would, without a server or a data folder: for the builds of rule repositories. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inParallel } from '../background/index.ts'
import type { EngineChoice } from '../scanning/index.ts'
import type { Diagnostic } from '../yara/index.ts'
import { type RuleFile, readRuleFiles } from './rule-files.ts'

/** What is wrong at a place. Lines and columns from 1, columns in characters; the end is behind the last one. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
  readonly severity: Diagnostic['severity']
  /** The engine's code such as `E009`, or ours such as `include-refused`; `unreadable` for a file that is. */
  readonly code: string
  readonly message: string
}

export interface CheckedFile {
  readonly path: string
  /** Null where it could not be read. */
  readonly valid: boolean | null
  /** That runs it, with its version; null where none does. */
  readonly engine: string | null
  readonly findings: readonly Finding[]
}

export interface CheckLimits {
  readonly compileMs: number
  readonly scanMs: number
  readonly workerBytes: number
}

/** Texts that are checked at once; the processes that check are two. */
const AT_ONCE = 2
/** What the processes may take to end. */
const END_MS = 1_000

/** The files that the paths name, by path, then those that cannot be read. */
export async function checkRuleFiles(
  paths: readonly string[],
  {
    limits,
    engine,
    signal,
  }: { readonly limits: CheckLimits; readonly engine: EngineChoice; readonly signal: AbortSignal },
): Promise<CheckedFile[]> {
  const unreadable: CheckedFile[] = []
  const files = await readRuleFiles(paths, (sentence) => unreadable.push(unreadableFile(sentence)))
  const { WorkerPool } = await import('../scanning/index.ts')
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-check-'))
  const pool = new WorkerPool({ workers: 1, folder, log: warningLog, engine, limits })
  const checked: CheckedFile[] = []
  const check = async (file: RuleFile): Promise<CheckedFile> => {
    const { content, path } = file
    const options = { priority: 'interactive', waitForRoom: true, signal } as const
    const { valid, diagnostics, engine: ranOn = null } = await pool.run('check', { content, partial: false }, options)
    const warnings = valid ? (await pool.run('plan', { content, explain: false }, options)).warnings : []
    return { path, valid, engine: ranOn, findings: [...diagnostics, ...warnings].map((one) => findingOf(file, one)) }
  }
  try {
    await inParallel(files.entries(), AT_ONCE, async ([n, file]) => {
      checked[n] = await check(file)
    })
  } finally {
    await pool.stop(END_MS)
    rmSync(folder, { recursive: true, force: true })
  }
  return [...checked, ...unreadable]
}

/** What fails is in the result of the check. */
const warningLog = {
  info: () => undefined,
  warn: (_: object, message: string) => void process.stderr.write(`backtrail: warning: ${message}\n`),
  error: () => undefined,
}

function findingOf(
  { content, placeOf }: RuleFile,
  { severity, code, message, line, column, span }: Diagnostic,
): Finding {
  const { path, ...place } = placeOf(line, column)
  const flagged = content.slice(span.from, span.to)
  const lines = flagged.split('\n')
  const last = [...(lines.at(-1) ?? '')].length
  const end = {
    endLine: place.line + lines.length - 1,
    endColumn: lines.length === 1 ? place.column + last : last + 1,
  }
  return { path, ...place, ...end, severity, code, message }
}

/** The sentence begins with the place: a path, for an include with the line and the column. */
function unreadableFile(sentence: string): CheckedFile {
  const [, path = sentence, line = '1', column = '1', message = sentence] =
    /^(.*?):(?:(\d+):(\d+):)? (.*)$/s.exec(sentence) ?? []
  const place = { path, line: Number(line), column: Number(column), endLine: Number(line), endColumn: Number(column) }
  return { path, valid: null, engine: null, findings: [{ ...place, severity: 'error', code: 'unreadable', message }] }
}
