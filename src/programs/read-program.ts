import { readElf } from './elf.ts'
import type { ProgramFacts } from './facts.ts'
import { readMachO } from './mach-o.ts'
import { readPe } from './pe.ts'

const magics = ['4d5a', '7f454c46', 'feedface', 'feedfacf', 'cefaedfe', 'cffaedfe', 'cafebabe']

/** It may be one, by its first bytes. */
export function isProgram(head: Buffer): boolean {
  const start = head.toString('hex', 0, 4)
  return magics.some((magic) => start.startsWith(magic))
}

/** What a program is made of; null for what is none. Bounded in time by the length of the content, whatever is in it. */
export function readProgram(bytes: Buffer): ProgramFacts | null {
  return readPe(bytes) ?? readElf(bytes) ?? readMachO(bytes)
}
