import type { Head, Recognised } from './head.ts'

const kinds: Readonly<Record<number, string>> = {
  1: 'Object',
  2: 'Exe',
  4: 'Core',
  6: 'Dylib',
  7: 'Dylinker',
  8: 'Bundle',
  10: 'DSym',
  11: 'Kext',
}

export const machOMachines: Readonly<Record<number, string>> = {
  7: 'x86',
  16777223: 'x86-64',
  12: 'ARM',
  16777228: 'ARM64',
  18: 'PowerPC',
  16777234: 'PowerPC64',
}

/** Java's class files begin with the same four bytes, followed by a version of 45 or more. */
const FAT_MAGIC = 0xcafebabe
const MOST_ARCHITECTURES = 40

/** Mach-O: the magic tells width and byte order; processor, its variant and the file's kind follow. */
export function recogniseMachO(head: Head): Recognised | null {
  const magic = head.u32(0, false)
  if (magic === FAT_MAGIC && head.u32(4, false) > 0 && head.u32(4, false) < MOST_ARCHITECTURES) {
    return {
      fileType: 'MachO/Fat',
      description: `Mach-O universal binary with ${head.u32(4, false)} architectures`,
    }
  }
  const little = magic === 0xcefaedfe || magic === 0xcffaedfe
  if (!little && magic !== 0xfeedface && magic !== 0xfeedfacf) return null
  const wide = magic === 0xcffaedfe || magic === 0xfeedfacf
  const kind = kinds[head.u32(12, little)] ?? 'None'
  const machine = machOMachines[head.u32(4, little)] ?? 'unknown machine'
  return {
    fileType: `MachO${wide ? 64 : 32} ${little ? 'Little' : 'Big'}/${kind}`,
    description: `Mach-O ${wide ? 64 : 32}-bit ${kind.toLowerCase()}, ${machine}`,
  }
}
