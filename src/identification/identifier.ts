import { createRequire } from 'node:module'
import { recogniseCompoundFile, recogniseZip } from './containers.ts'
import { recogniseDiskImage } from './disk-images.ts'
import { recogniseElf } from './elf.ts'
import { recogniseEncodedText } from './encoded-text.ts'
import { Head, type Recognised } from './head.ts'
import { recogniseMachO } from './macho.ts'
import { recogniseMagicNumber } from './magic-numbers.ts'
import { recogniseMail } from './mail.ts'
import { recognisePe } from './pe.ts'
import { recogniseText } from './text.ts'

/** How many of a file's first bytes `identify` looks at. */
export const HEAD_LENGTH = 64 * 1024

export interface Identification {
  /** The specification's vocabulary: `PE/Exe`, `ELF64 Little/SO`, `Text/HTML/HTML`, `Binary/Archive/ZIP`. */
  readonly fileType: string
  /** For people: one sentence. */
  readonly description: string
  /** It has members. */
  readonly isArchive: boolean
  /** It is something else, and an archive lies in it: behind a program, a picture, anything. */
  readonly holdsArchive?: boolean
}

export interface Identifier {
  /**
   * Identifies a file of `size` bytes by its first bytes (all of them, or `HEAD_LENGTH`). Corrupt content never throws.
   * With `libmagic` false its native parsers are left out: what our own do not know is then `Binary/None`. `whole` is the
   * file, where it is in memory: what some formats hold shows in their middle only.
   */
  identify(
    head: Uint8Array,
    size: number,
    options?: { readonly libmagic?: boolean; readonly whole?: Uint8Array },
  ): Identification
}

/** In this order: what is told by exact headers first, what is told by its look last. */
const recognisers: readonly ((head: Head) => Recognised | null)[] = [
  recognisePe,
  recogniseElf,
  recogniseMachO,
  recogniseZip,
  recogniseCompoundFile,
  recogniseMagicNumber,
  recogniseDiskImage,
  recogniseMail,
  recogniseEncodedText,
  recogniseText,
]

interface Magic {
  detect(bytes: Uint8Array): string
}

interface MagicModule {
  readonly WASMagic: { create(): Promise<Magic> }
}

/**
 * Own recognisers decide what they know for certain: libmagic takes 1.5 ms a file, which for the small files that most
 * collections consist of is more than everything else that is done with them. It is asked about the rest.
 */
export async function createIdentifier(): Promise<Identifier> {
  const { WASMagic } = createRequire(import.meta.url)('wasmagic') as MagicModule
  const magic = await WASMagic.create()
  return {
    identify(bytes, size, { libmagic = true, whole } = {}) {
      if (size === 0) return { fileType: 'Binary/None', description: 'empty', isArchive: false }
      const head = new Head(bytes.subarray(0, HEAD_LENGTH), size, whole)
      for (const recognise of recognisers) {
        const found = recognise(head)
        if (found !== null) return { ...found, isArchive: found.isArchive ?? false }
      }
      return libmagic ? byLibmagic(magic, head.bytes) : { ...unknown, isArchive: false }
    },
  }
}

const unknown: Recognised = { fileType: 'Binary/None', description: 'data' }

/** What libmagic's sentence means in our vocabulary; the first that fits. */
const sentences: readonly (readonly [sentence: RegExp, fileType: string, isArchive?: true])[] = [
  [/^(LHa|ACE|Zoo|StuffIt|ARC|lrzip|LZMA|DMG|UDF|ISO 9660|POSIX tar|tar archive|zlib)\b.*/i, 'Binary/Archive', true],
  [/\barchive\b/i, 'Binary/Archive', true],
  [/\bimage data\b|bitmap\b/i, 'Image/None'],
  [/\bfont\b/i, 'Font/None'],
  [/\b(audio|MPEG ADTS)\b/i, 'Audio/None'],
  [/\b(video|movie)\b/i, 'Video/None'],
  [/^(Microsoft (Word|Excel|PowerPoint|OneNote)|Hangul|OpenDocument)\b/i, 'Document/None'],
  [/\btext\b/i, 'Text/None'],
]

function byLibmagic(magic: Magic, bytes: Uint8Array): Identification {
  const description = magic.detect(bytes) || unknown.description
  const [, fileType, isArchive] = sentences.find(([sentence]) => sentence.test(description)) ?? []
  return { fileType: fileType ?? unknown.fileType, description, isArchive: isArchive ?? false }
}
