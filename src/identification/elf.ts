import type { Head, Recognised } from './head.ts'

const TYPE_EXECUTABLE = 2
const TYPE_SHARED = 3
const PROGRAM_INTERPRETER = 3
const PROGRAM_DYNAMIC = 2
const DYNAMIC_FLAGS_1 = 0x6ffffffb
const FLAG_PIE = 0x08000000

const kinds: Readonly<Record<number, string>> = {
  1: 'Relocatable',
  2: 'Exe',
  3: 'SO',
  4: 'Core',
}

export const elfMachines: Readonly<Record<number, string>> = {
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC64',
  22: 'S390',
  40: 'ARM',
  42: 'SuperH',
  43: 'SPARC64',
  62: 'x86-64',
  183: 'AArch64',
  243: 'RISC-V',
  247: 'BPF',
}

/**
 * Executable and Linkable Format: `\x7fELF`, a byte for the class (1: 32 bits, 2: 64) and one for the byte order. A
 * position-independent program has the type of a shared object; it is told from a library by its interpreter, or by
 * the flag that linkers have set in the dynamic section since 2015.
 */
export function recogniseElf(head: Head): Recognised | null {
  if (!head.has('\x7fELF')) return null
  const wide = head.u8(4) === 2
  const little = head.u8(5) !== 2
  const type = head.u16(16, little)
  const program = type === TYPE_EXECUTABLE || (type === TYPE_SHARED && isProgram(head, wide, little))
  const kind = program ? 'Exe' : (kinds[type] ?? 'None')
  const machine = elfMachines[head.u16(18, little)] ?? 'unknown machine'
  const name = `ELF${wide ? 64 : 32} ${little ? 'Little' : 'Big'}`
  const words: Readonly<Record<string, string>> = {
    Exe: type === TYPE_SHARED ? 'position-independent executable' : 'executable',
    SO: 'shared object',
    Core: 'core dump',
    Relocatable: 'relocatable object',
  }
  return {
    fileType: `${name}/${kind}`,
    description: `ELF ${wide ? 64 : 32}-bit ${little ? 'LSB' : 'MSB'} ${words[kind] ?? 'file'}, ${machine}`,
  }
}

function isProgram(head: Head, wide: boolean, little: boolean): boolean {
  const table = wide ? head.u32(32, little) : head.u32(28, little)
  const entryLength = head.u16(wide ? 54 : 42, little)
  const entries = Math.min(head.u16(wide ? 56 : 44, little), 64)
  for (let i = 0; i < entries; i++) {
    const entry = table + i * entryLength
    const kind = head.u32(entry, little)
    if (kind === PROGRAM_INTERPRETER) return !isLibraryWithInterpreter(head, wide, little, table, entryLength, entries)
  }
  return false
}

/** libc.so and ld.so can be run, so they name an interpreter; unlike programs they lack the flag. */
function isLibraryWithInterpreter(
  head: Head,
  wide: boolean,
  little: boolean,
  table: number,
  entryLength: number,
  entries: number,
): boolean {
  for (let i = 0; i < entries; i++) {
    const entry = table + i * entryLength
    if (head.u32(entry, little) !== PROGRAM_DYNAMIC) continue
    const offset = head.u32(entry + (wide ? 8 : 4), little)
    const length = Math.min(head.u32(entry + (wide ? 32 : 16), little), 4096)
    const step = wide ? 16 : 8
    // Often beyond the head; then the interpreter alone decides.
    if (offset + length > head.bytes.length) return false
    let soName = false
    for (let at = offset; at < offset + length; at += step) {
      const tag = head.u32(at, little)
      if (tag === DYNAMIC_FLAGS_1 && (head.u32(at + step / 2, little) & FLAG_PIE) !== 0) return false
      if (tag === 14) soName = true
    }
    return soName
  }
  return false
}
