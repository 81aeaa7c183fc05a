/**
 * What rules find in the variable `filetype`. Public rules are written for scanners that name types by a file's first
 * bytes, in a short list of words (`EXE`, `ELF`, `OLE`, `Office`), and compare for equality; so a content has one of these
 * words, whatever more we know of it. The words are those scanners' own where they have one, spelled as they spell it.
 */
const words: Readonly<Record<string, string>> = {
  'Document/None/PDF': 'PDF',
  'Document/None/RTF': 'RTF',
  'Document/None/PostScript': 'PS',
  'Document/None/DOC': 'OLE',
  'Document/None/XLS': 'OLE',
  'Document/None/PPT': 'OLE',
  'Document/None/VSD': 'OLE',
  'Document/None/MSG': 'OLE',
  'Document/None/OLE': 'OLE',
  'Binary/Archive/MSI': 'OLE',
  'Document/None/DOCX': 'Office',
  'Document/None/XLSX': 'Office',
  'Document/None/PPTX': 'Office',
  'Document/None/ODF': 'ZIP',
  'Document/None/EPUB': 'ZIP',
  'Binary/Archive/ZIP': 'ZIP',
  'Binary/Archive/APK': 'JAR',
  'Binary/Archive/JAR': 'JAR',
  'Binary/Archive/7Z': '7Zip',
  'Binary/Archive/RAR': 'RAR',
  'Binary/Archive/GZIP': 'GZIP',
  'Binary/Archive/BZIP2': 'BZip2',
  'Binary/Archive/XZ': 'XZ',
  'Binary/Archive/ZSTD': 'ZSTD',
  'Binary/Archive/LZ4': 'LZ4',
  'Binary/Archive/LZIP': 'LZIP',
  'Binary/Archive/COMPRESS': 'TARZ',
  'Binary/Archive/CAB': 'CAB',
  'Binary/Archive/TAR': 'TAR',
  'Binary/Archive/ISO': 'ISO',
  'Binary/Archive/AR': 'AR',
  'Binary/Archive/RPM': 'RPM',
  'Binary/Archive/CPIO': 'CPIO',
  'Binary/Archive/ARJ': 'ARJ',
  'Binary/Archive/XAR': 'XAR',
  'Binary/Archive/WIM': 'WIM',
  'Binary/Archive/CHM': 'CHM',
  'Binary/Archive/SQUASHFS': 'SQUASHFS',
  'Binary/None/CLASS': 'Class',
  'Binary/None/WASM': 'WASM',
  'Binary/None/LNK': 'LNK',
  'Binary/None/SQLite': 'SQLITE',
  'Binary/None/REGF': 'Registry Hive',
  'Binary/None/EVTX': 'EVTX',
  'Binary/None/PCAP': 'WINPCAP',
  'Binary/None/PCAPNG': 'PCAPNG',
  'Binary/None/PYC': 'PYC',
  'Image/None/PNG': 'PNG',
  'Image/None/JPEG': 'JPEG',
  'Image/None/GIF': 'GIF',
  'Image/None/TIFF': 'TIFF',
  'Image/None/WEBP': 'WEBP',
  'Image/None/ICO': 'ICO',
  'Image/None/SVG': 'SVG',
  'Font/None/WOFF': 'WOFF',
  'Font/None/WOFF2': 'WOFF2',
  'Font/None/OTF': 'OTF',
  'Font/None/TTF': 'TTF',
  'Audio/None/WAV': 'WAV',
  'Audio/None/OGG': 'OGG',
  'Audio/None/FLAC': 'FLAC',
  'Audio/None/MP3': 'MP3',
  'Video/None/AVI': 'AVI',
  'Video/None/MP4': 'MP4',
  'Video/None/Matroska': 'MKV',
  'Text/HTML/HTML': 'HTML',
  'Text/XML/XML': 'XML',
  'Text/PHP': 'PHP',
  'Text/VBS': 'VBS',
  'Text/PowerShell': 'PS1',
  'Text/JavaScript': 'JS',
  'Text/Batch': 'BAT',
  'Text/Python': 'PY',
  'Text/Perl': 'PL',
  'Text/Ruby': 'RB',
  'Text/Shell': 'UNIX SCRIPT',
  'Text/Script': 'UNIX SCRIPT',
  'Text/JSON': 'JSON',
  'Text/Email': 'EML',
  'Text/URL': 'URL',
  'Text/Registry': 'REG',
  'Text/PEM': 'PEM',
}

/** By how our own name of the type begins. */
const families: readonly (readonly [start: string, word: string])[] = [
  ['PE/', 'EXE'],
  ['PE+/', 'EXE'],
  ['MZ/', 'EXE'],
  ['ELF', 'ELF'],
  ['MachO', 'MACHO'],
  ['DEX/', 'DEX'],
  ['Text/', 'TEXT'],
]

const OTHER = 'UNKNOWN'

/** Every word that the variable may hold. */
export const variableTypes: ReadonlySet<string> = new Set([
  ...Object.values(words),
  ...families.map(([, word]) => word),
  OTHER,
])

/** The word for a type of ours, such as `EXE` for `PE/Dll`; `UNKNOWN` for what has none. */
export function variableType(fileType: string): string {
  return words[fileType] ?? families.find(([start]) => fileType.startsWith(start))?.[1] ?? OTHER
}
