import type { Head, Recognised } from './head.ts'

function image(kind: string): Recognised {
  return { fileType: `Binary/Archive/${kind}`, description: `${kind} disk image`, isArchive: true }
}

/** Disks, partitions and file systems. */
export function recogniseDiskImage(head: Head): Recognised | null {
  if (head.has('vhdxfile')) return image('VHDX')
  if (head.has('conectix')) return image('VHD')
  if (head.has('KDMV')) return image('VMDK')
  if (head.has('QFI\xfb')) return image('QCOW')
  if (head.has('\x7f\x10\xda\xbe', 64)) return image('VDI')
  if (head.has('\x3a\xff\x26\xed')) return image('SPARSE')
  if (head.has('EFI PART', 512)) return image('GPT')
  if (head.has('NTFS    ', 3)) return image('NTFS')
  if (head.has('\x55\xaa', 510) && (head.has('FAT', 54) || head.has('FAT32', 82))) return image('FAT')
  if (head.has('BEA01', 32_769)) return image('UDF')
  if (head.has('NXSB', 32)) return image('APFS')
  if (head.has('H+\0\x04', 1_024) || head.has('HX\0\x05', 1_024)) return image('HFS')
  if (head.has('Compressed ROMFS', 16)) return image('CRAMFS')
  // Of ext: its magic number, a sensible size of blocks, and a revision that there is.
  if (head.has('\x53\xef', 1_080) && head.u32(1_048) <= 6 && head.u32(1_100) <= 1) return image('EXT')
  return isPartitioned(head) ? image('MBR') : null
}

/** A master boot record whose partitions have a type, begin behind it, and are marked active or not. */
function isPartitioned(head: Head): boolean {
  if (!head.has('\x55\xaa', 510) || head.size < 1_024) return false
  let used = 0
  for (let entry = 446; entry < 510; entry += 16) {
    const status = head.u8(entry)
    const [type, start, length] = [head.u8(entry + 4), head.u32(entry + 8), head.u32(entry + 12)]
    if (status !== 0 && status !== 0x80) return false
    if (type === 0 && start === 0 && length === 0) continue
    if (type === 0 || start === 0 || length === 0 || start * 512 >= head.size) return false
    used++
  }
  return used > 0
}
