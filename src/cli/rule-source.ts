/**
 * The bytes of rules that a person names: files, and what a shell puts in a file's place (`-`, `/dev/stdin`, and the
 * pipe behind `<(command)`).
 */
import { createReadStream, type ReadStream } from 'node:fs'
import { readFile, realpath, stat } from 'node:fs/promises'
import { walk } from './walk.ts'

/** No text of rules is as large (src/yara says the same); a device that never ends is not read for ever. */
const LONGEST_SOURCE = 64 * 1024 * 1024

const STANDARD_INPUT = '<stdin>'
const PIPE = '<pipe '

/** It is a name that was made up for what comes from a pipe. */
export function isPiped(path: string): boolean {
  return path === STANDARD_INPUT || path.startsWith(PIPE)
}

export type RuleSource =
  | {
      readonly kind: 'file'
      /** As a person would write it. */
      readonly path: string
      /** The file itself, behind all links. */
      readonly real: string
      /** It was named, and not found below a folder. */
      readonly isNamed: boolean
      /** What it may include lies below this folder. */
      readonly root: string
      /** Rejects when it cannot be read, or is too long. */
      read(): Promise<Uint8Array>
    }
  | { readonly kind: 'unreadable'; readonly path: string; readonly reason: unknown }

/**
 * Every file that the paths name, each once. Links are followed where they are named, and not below folders. `isWanted`
 * chooses by path among the files of a folder.
 */
export async function* ruleSources(
  paths: readonly string[],
  isWanted: (path: string) => boolean,
): AsyncGenerator<RuleSource> {
  const seen = new Set<string>()
  for (const path of paths) {
    for await (const source of sourcesOf(path, isWanted)) {
      if (source.kind === 'file' && seen.has(source.real)) continue
      if (source.kind === 'file') seen.add(source.real)
      yield source
    }
  }
}

async function* sourcesOf(path: string, isWanted: (path: string) => boolean): AsyncGenerator<RuleSource> {
  const descriptor = descriptorOf(path)
  if (descriptor !== null) {
    const read = () => readStream(descriptor === 0 ? process.stdin : createReadStream('', { fd: descriptor }))
    const shown = descriptor === 0 ? STANDARD_INPUT : `${PIPE}${descriptor}>`
    yield { kind: 'file', path: shown, real: shown, isNamed: true, root: process.cwd(), read }
    return
  }
  try {
    const status = await stat(path)
    const real = await realpath(path)
    if (status.isDirectory()) {
      for await (const found of walk([real])) {
        const shown = path.replace(/\/+$/, '') + found.path.slice(real.length)
        if (found.kind === 'unreadable') yield { kind: 'unreadable', path: shown, reason: found.reason }
        if (found.kind !== 'file' || !isWanted(found.path)) continue
        const read = () => readWhole(found.source, found.size)
        yield { kind: 'file', path: shown, real: found.path, isNamed: false, root: real, read }
      }
      return
    }
    const read = () => (status.isFile() ? readWhole(path, status.size) : readStream(createReadStream(path)))
    yield { kind: 'file', path, real, isNamed: true, root: real.replace(/\/[^/]*$/, '') || '/', read }
  } catch (reason) {
    yield { kind: 'unreadable', path, reason }
  }
}

/** What this process has open already, for a path that stands for it; opening a socket by its path would fail. */
function descriptorOf(path: string): number | null {
  if (path === '-' || path === '/dev/stdin') return 0
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d{1,4})$/.exec(path)?.[1]
  return number === undefined ? null : Number(number)
}

async function readWhole(path: string | Buffer, size: number): Promise<Uint8Array> {
  if (size > LONGEST_SOURCE) throw tooLong()
  return readFile(path)
}

async function readStream(stream: ReadStream | typeof process.stdin): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of stream as AsyncIterable<Uint8Array>) {
    length += piece.length
    if (length > LONGEST_SOURCE) throw tooLong()
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function tooLong(): Error {
  return new Error(`is longer than ${LONGEST_SOURCE / 1024 / 1024} MB`)
}
