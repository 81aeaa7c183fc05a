import type { Head, Recognised } from './head.ts'

interface MagicNumber {
  readonly at: number
  readonly bytes: string
  readonly fileType: string
  readonly description: string
  readonly isArchive?: true
}

function is(fileType: string, description: string, bytes: string, at = 0): MagicNumber {
  return { at, bytes, fileType, description }
}

function archive(kind: string, bytes: string, at = 0): MagicNumber {
  return { at, bytes, fileType: `Binary/Archive/${kind}`, description: `${kind} archive`, isArchive: true }
}

/** Formats that a few bytes at a fixed place tell for certain. The first that fits wins. */
const magicNumbers: readonly MagicNumber[] = [
  archive('7Z', '7z\xbc\xaf\x27\x1c'),
  archive('RAR', 'Rar!\x1a\x07'),
  archive('GZIP', '\x1f\x8b\x08'),
  archive('BZIP2', 'BZh'),
  archive('XZ', '\xfd7zXZ\0'),
  archive('ZSTD', '\x28\xb5\x2f\xfd'),
  archive('LZ4', '\x04\x22\x4d\x18'),
  archive('LZ4', '\x02\x21\x4c\x18'),
  archive('LZIP', 'LZIP'),
  archive('COMPRESS', '\x1f\x9d'),
  archive('CAB', 'MSCF\0\0\0\0'),
  archive('TAR', 'ustar', 257),
  archive('ISO', 'CD001', 32_769),
  archive('AR', '!<arch>\n'),
  archive('RPM', '\xed\xab\xee\xdb'),
  archive('CPIO', '070701'),
  archive('CPIO', '070702'),
  archive('CPIO', '070707'),
  archive('CPIO', '\xc7\x71\0'),
  archive('LZH', '-lh', 2),
  archive('LZOP', '\x89LZO\0\r\n\x1a\n'),
  archive('ACE', '**ACE**', 7),
  archive('STUFFIT', 'StuffIt'),
  archive('STUFFIT', 'SIT!'),
  archive('ALZ', 'ALZ\x01'),
  archive('EGG', 'EGGA'),
  archive('ZPAQ', '7kSt'),
  archive('ZOO', '\xdc\xa7\xc4\xfd', 20),
  archive('LRZIP', 'LRZI'),
  archive('INSTALLSHIELD', 'ISc('),
  archive('MSLZ', 'SZDD\x88\xf0\x27\x33'),
  archive('TNEF', '\x78\x9f\x3e\x22'),
  archive('ARJ', '\x60\xea'),
  archive('XAR', 'xar!'),
  archive('WIM', 'MSWIM\0\0\0'),
  archive('CHM', 'ITSF'),
  archive('SQUASHFS', 'hsqs'),
  is('Document/None/PDF', 'PDF document', '%PDF-'),
  is('Document/None/RTF', 'Rich Text Format document', '{\\rtf'),
  is('Document/None/PostScript', 'PostScript document', '%!PS'),
  is('DEX/Exe', 'Dalvik executable', 'dex\n0'),
  is('Binary/None/CLASS', 'Java class', '\xca\xfe\xba\xbe\0\0\0'),
  is('Binary/None/CLASS', 'Java class', '\xca\xfe\xba\xbe\0\x03\0'),
  is('Binary/None/WASM', 'WebAssembly module', '\0asm'),
  is('Binary/None/LNK', 'Windows shortcut', 'L\0\0\0\x01\x14\x02\0'),
  is('Binary/None/SQLite', 'SQLite 3 database', 'SQLite format 3\0'),
  is('Binary/None/REGF', 'Windows registry hive', 'regf'),
  is('Binary/None/EVTX', 'Windows event log', 'ElfFile\0'),
  is('Binary/None/BitCode', 'LLVM bitcode', 'BC\xc0\xde'),
  is('Binary/None/MO', 'GNU message catalogue', '\xde\x12\x04\x95'),
  is('Binary/None/Terminfo', 'Compiled terminfo entry', '\x1a\x01'),
  is('Binary/None/PCAP', 'Packet capture', '\xd4\xc3\xb2\xa1'),
  is('Binary/None/PCAPNG', 'Packet capture', '\x0a\x0d\x0d\x0a'),
  is('Image/None/PNG', 'PNG image', '\x89PNG\r\n\x1a\n'),
  is('Image/None/JPEG', 'JPEG image', '\xff\xd8\xff'),
  is('Image/None/GIF', 'GIF image', 'GIF8'),
  is('Image/None/TIFF', 'TIFF image', 'II*\0'),
  is('Image/None/TIFF', 'TIFF image', 'MM\0*'),
  is('Image/None/WEBP', 'WebP image', 'WEBP', 8),
  is('Image/None/ICO', 'Windows icon', '\0\0\x01\0'),
  is('Font/None/WOFF', 'Web font', 'wOFF'),
  is('Font/None/WOFF2', 'Web font', 'wOF2'),
  is('Font/None/OTF', 'OpenType font', 'OTTO'),
  is('Font/None/TTF', 'TrueType font', '\0\x01\0\0\0'),
  is('Audio/None/WAV', 'WAVE audio', 'WAVE', 8),
  is('Audio/None/OGG', 'Ogg media', 'OggS'),
  is('Audio/None/FLAC', 'FLAC audio', 'fLaC'),
  is('Audio/None/MP3', 'MP3 audio', 'ID3'),
  is('Video/None/AVI', 'AVI video', 'AVI ', 8),
  is('Video/None/MP4', 'MPEG-4 media', 'ftyp', 4),
  is('Video/None/Matroska', 'Matroska media', '\x1a\x45\xdf\xa3'),
]

const pythonVersions: readonly (readonly [from: number, version: string])[] = [
  [3_600, '3.14 or later'],
  [3_550, '3.13'],
  [3_500, '3.12'],
  [3_450, '3.11'],
  [3_430, '3.10'],
  [3_420, '3.9'],
  [3_000, '3'],
]

export function recogniseMagicNumber(head: Head): Recognised | null {
  for (const magic of magicNumbers) {
    if (!head.has(magic.bytes, magic.at)) continue
    const { fileType, description, isArchive } = magic
    return isArchive ? { fileType, description, isArchive } : { fileType, description }
  }
  if (isLzma(head)) return { fileType: 'Binary/Archive/LZMA', description: 'LZMA archive', isArchive: true }
  const python = head.u16(0)
  if (head.has('\r\n', 2) && python >= 3_000 && python < 4_000) {
    const version = pythonVersions.find(([from]) => python >= from)?.[1] ?? '3'
    return { fileType: 'Binary/None/PYC', description: `Python ${version} bytecode` }
  }
  return null
}

/** It has no signature: properties below 225, a dictionary of a usual size, and a size that can be, or is not known. */
function isLzma(head: Head): boolean {
  if (head.u8(0) !== 0x5d || head.size < 18 || head.u8(13) !== 0) return false
  const dictionary = head.u32(1)
  const isUsual = (dictionary & (dictionary - 1)) === 0 || (dictionary & (dictionary - 1)) === dictionary / 2
  const high = head.u32(9)
  return dictionary >= 4_096 && isUsual && (high < 256 || (high === 0xffff_ffff && head.u32(5) === 0xffff_ffff))
}
