import type { Head, Recognised } from './head.ts'

const PE32_PLUS = 0x20b
const EXECUTABLE_DLL = 0x2000
const CLR_HEADER = 14

export const peMachines: Readonly<Record<number, string>> = {
  332: 'x86',
  34404: 'x86-64',
  43620: 'ARM64',
  452: 'ARM',
  512: 'Itanium',
}

export const peSubsystems: Readonly<Record<number, string>> = {
  1: 'native',
  2: 'GUI',
  3: 'console',
  9: 'Windows CE',
  10: 'EFI application',
  11: 'EFI boot service driver',
  12: 'EFI runtime driver',
}

/**
 * Portable Executable: `MZ`, at 0x3c the offset of `PE\0\0`, then the file header of 20 bytes and the optional header,
 * whose magic tells 32 from 64 bits (`PE` and `PE+`). A .NET assembly has a CLR header among its data directories.
 */
export function recognisePe(head: Head): Recognised | null {
  if (!head.has('MZ')) return null
  const pe = head.u32(0x3c)
  if (!head.has('PE\0\0', pe)) return { fileType: 'MZ/Exe', description: 'DOS executable' }
  const fileHeader = pe + 4
  const optional = fileHeader + 20
  const plus = head.u16(optional) === PE32_PLUS
  const kind = (head.u16(fileHeader + 18) & EXECUTABLE_DLL) !== 0 ? 'Dll' : 'Exe'
  const directories = optional + (plus ? 112 : 96)
  const directoryCount = head.u32(directories - 4)
  const managed = directoryCount > CLR_HEADER && head.u32(directories + CLR_HEADER * 8) !== 0
  const machine = peMachines[head.u16(fileHeader)] ?? 'unknown machine'
  const subsystem = peSubsystems[head.u16(optional + 68)] ?? 'unknown subsystem'
  const sections = head.u16(fileHeader + 2)
  return {
    fileType: `PE${plus ? '+' : ''}/${managed ? '.Net ' : ''}${kind}`,
    description:
      `${plus ? 'PE32+' : 'PE32'} ${kind === 'Dll' ? 'library' : 'executable'} (${subsystem}), ${machine}, ` +
      `${sections} sections${managed ? ', .NET assembly' : ''}`,
  }
}
