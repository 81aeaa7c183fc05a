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
  if (head.has('\x55\xaa', 510) && (head.has('FAT', 54) || head.has('FAT32', 82) || hasFatSizes(head)))
    return image('FAT')
  if (head.has('BEA01', 32_769)) return image('UDF')
  if (head.has('NXSB', 32)) return image('APFS')
  if (head.has('H+\0\x04', 1_024) || head.has('HX\0\x05', 1_024)) return image('HFS')
  if (head.has('Compressed ROMFS', 16)) return image('CRAMFS')
  // Of ext: its magic number, a sensible size of blocks, and a revision that there is.
  if (head.has('\x53\xef', 1_080) && head.u32(1_048) <= 6 && head.u32(1_100) <= 1) return image('EXT')
  return unopened(head) ?? (isPartitioned(head) ? image('MBR') : null)
}

/** Nobody opens these here: whoever asks what is in them has to be told so. */
const others: readonly (readonly [kind: string, offset: number, bytes: string])[] = [
  ['XFS', 0, 'XFSB'],
  ['EXFAT', 3, 'EXFAT   '],
  ['BITLOCKER', 3, '-FVE-FS-'],
  ['LUKS', 0, 'LUKS\xba\xbe'],
  ['LVM', 512, 'LABELONE'],
  ['F2FS', 1_024, '\x10\x20\xf5\xf2'],
  ['JFS', 32_768, 'JFS1'],
  ['BTRFS', 65_600, '_BHRfS_M'],
  ['REISERFS', 65_588, 'ReIsEr'],
  // Evidence of forensic tools.
  ['E01', 0, 'EVF\x09\x0d\x0a\xff\0'],
  ['E01', 0, 'EVF2\x0d\x0a\x81\0'],
  ['AFF', 0, 'AFF10\r\n\0'],
  // A CD with the sums of its sectors, as beside a cue sheet.
  ['CD', 0, '\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0'],
]

function unopened(head: Head): Recognised | null {
  const found = others.find(([, offset, bytes]) => head.hasBeyond(bytes, offset))
  if (found !== undefined) return image(found[0])
  // The older HFS: its signature, blocks, and a size of blocks that can be.
  const blockSize = head.u32(1_044, false)
  return head.has('BD', 1_024) && head.u16(1_042, false) > 0 && blockSize > 0 && blockSize % 512 === 0
    ? image('HFS')
    : null
}

/** A boot sector that calls itself nothing, with the sizes of a FAT file system. */
function hasFatSizes(head: Head): boolean {
  const isOneBit = (value: number) => value > 0 && (value & (value - 1)) === 0
  const tables = head.u8(16)
  return (
    (head.u8(0) === 0xeb || head.u8(0) === 0xe9) &&
    [512, 1_024, 2_048, 4_096].includes(head.u16(11)) &&
    isOneBit(head.u8(13)) &&
    head.u16(14) > 0 &&
    (tables === 1 || tables === 2) &&
    head.u8(21) >= 0xf0
  )
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
