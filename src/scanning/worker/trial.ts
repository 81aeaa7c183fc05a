/**
 * What a text is tried on when it is checked: small samples of the kinds that modules of the engine read, and one that
 * nothing is known of. What ends the process on all samples, or never ends, does so here, where it costs nobody a match.
 */
import type { SourceFile } from '../../yara/index.ts'

function padded(text: string | readonly number[], length = 512): Buffer {
  const bytes = Buffer.alloc(length)
  Buffer.from(text as string, 'latin1').copy(bytes)
  return bytes
}

/** An MS-DOS header that leads to a PE header with one section. */
function windowsProgram(): Buffer {
  const bytes = padded('MZ', 1024)
  bytes.writeUInt32LE(0x80, 0x3c)
  bytes.write('PE\0\0', 0x80, 'latin1')
  bytes.writeUInt16LE(0x014c, 0x84)
  bytes.writeUInt16LE(1, 0x86)
  bytes.writeUInt16LE(0xe0, 0x94)
  bytes.writeUInt16LE(0x0102, 0x96)
  bytes.writeUInt16LE(0x010b, 0x98)
  bytes.writeUInt32LE(16, 0xf4)
  bytes.write('.text', 0x178, 'latin1')
  bytes.writeUInt32LE(0x200, 0x180)
  bytes.writeUInt32LE(0x1000, 0x184)
  bytes.writeUInt32LE(0x200, 0x188)
  bytes.writeUInt32LE(0x200, 0x18c)
  return bytes
}

function elf(): Buffer {
  const bytes = padded('\x7fELF\x02\x01\x01')
  bytes.writeUInt16LE(2, 16)
  bytes.writeUInt16LE(62, 18)
  bytes.writeUInt32LE(1, 20)
  bytes.writeUInt16LE(64, 52)
  return bytes
}

/** With one segment. */
function machO(): Buffer {
  const bytes = padded('\xcf\xfa\xed\xfe\x07\0\0\x01\x03')
  bytes.writeUInt32LE(2, 12)
  bytes.writeUInt32LE(1, 16)
  bytes.writeUInt32LE(72, 20)
  bytes.writeUInt32LE(0x19, 32)
  bytes.writeUInt32LE(72, 36)
  bytes.write('__TEXT', 40, 'latin1')
  return bytes
}

function shortcut(): Buffer {
  const bytes = padded('\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46')
  bytes.writeUInt32LE(1, 60)
  return bytes
}

export const trialSamples: readonly Buffer[] = [
  Buffer.alloc(0),
  Buffer.from('This sample is made up, and rules are tried on it.\r\n'.repeat(8), 'latin1'),
  Buffer.from(Uint8Array.from({ length: 4_096 }, (_, n) => (n * n + (n >> 8)) & 0xff)),
  windowsProgram(),
  elf(),
  machO(),
  shortcut(),
  padded('PK\x03\x04\x14\0\0\0\x08\0'),
  padded('Cr24\x03\0\0\0\x04\0\0\0'),
  Buffer.from('%PDF-1.4\n1 0 obj\n<< >>\nendobj\n%%EOF\n', 'latin1'),
]

/**
 * A text that asks for each regular expression of the conditions of another: the engine makes them when they are first
 * asked, which no sample of ours may bring about. Null without any.
 */
export function regexpTrial(text: string, source: Pick<SourceFile, 'rules'>): string | null {
  const found = new Set<string>()
  for (const { condition } of source.rules) collect(condition, text, found)
  if (found.size === 0) return null
  const rules = [...found].map((regexp, n) => `rule trial_${n} { condition: filename matches ${regexp} }`)
  return rules.join('\n')
}

function collect(part: unknown, text: string, found: Set<string>): void {
  const left: unknown[] = [part]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next !== 'object' || next === null || ArrayBuffer.isView(next)) continue
    const node = next as { readonly kind?: string; readonly span?: { readonly from: number; readonly to: number } }
    if (node.kind === 'regexpLiteral' && node.span !== undefined) found.add(text.slice(node.span.from, node.span.to))
    else left.push(...Object.values(next))
  }
}
