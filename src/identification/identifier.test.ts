import assert from 'node:assert/strict'
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createIdentifier, HEAD_LENGTH } from './index.ts'

const identifier = await createIdentifier()

function typeOf(bytes: Uint8Array | string): string {
  const head = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  return identifier.identify(head, head.length).fileType
}

function typeOfFile(path: string): string {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(HEAD_LENGTH)
    const length = readSync(file, head, 0, HEAD_LENGTH, 0)
    return identifier.identify(head.subarray(0, length), fstatSync(file).size).fileType
  } finally {
    closeSync(file)
  }
}

/** The least of a PE file that tells its kind. */
function pe(options: { readonly plus?: boolean; readonly dll?: boolean; readonly managed?: boolean }): Buffer {
  const bytes = Buffer.alloc(1024)
  bytes.write('MZ', 0, 'latin1')
  bytes.writeUInt32LE(0x80, 0x3c)
  bytes.write('PE\0\0', 0x80, 'latin1')
  bytes.writeUInt16LE(options.plus ? 0x8664 : 0x14c, 0x84)
  bytes.writeUInt16LE(0x0002 | (options.dll ? 0x2000 : 0), 0x84 + 18)
  const optional = 0x84 + 20
  bytes.writeUInt16LE(options.plus ? 0x20b : 0x10b, optional)
  const directories = optional + (options.plus ? 112 : 96)
  bytes.writeUInt32LE(16, directories - 4)
  if (options.managed) bytes.writeUInt32LE(0x2008, directories + 14 * 8)
  return bytes
}

function elf(bits: 32 | 64, order: 'Little' | 'Big', type: number): Buffer {
  const bytes = Buffer.alloc(64)
  bytes.write('\x7fELF', 0, 'latin1')
  bytes[4] = bits === 64 ? 2 : 1
  bytes[5] = order === 'Little' ? 1 : 2
  if (order === 'Little') bytes.writeUInt16LE(type, 16)
  else bytes.writeUInt16BE(type, 16)
  return bytes
}

function machO(magic: number, kind: number): Buffer {
  const bytes = Buffer.alloc(64)
  bytes.writeUInt32LE(magic, 0)
  bytes.writeUInt32LE(kind, 12)
  return bytes
}

/** A stored member, as in a zip archive. */
function member(name: string, content = ''): string {
  const header = Buffer.alloc(30)
  header.write('PK\x03\x04', 0, 'latin1')
  header.writeUInt32LE(content.length, 18)
  header.writeUInt16LE(name.length, 26)
  return header.toString('latin1') + name + content
}

const crafted: readonly (readonly [type: string, bytes: Uint8Array | string])[] = [
  ['PE/Exe', pe({})],
  ['PE/Dll', pe({ dll: true })],
  ['PE+/Exe', pe({ plus: true })],
  ['PE+/Dll', pe({ plus: true, dll: true })],
  ['PE/.Net Exe', pe({ managed: true })],
  ['PE+/.Net Exe', pe({ plus: true, managed: true })],
  ['PE/.Net Dll', pe({ dll: true, managed: true })],
  ['MZ/Exe', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(100)])],
  ['ELF64 Little/Exe', elf(64, 'Little', 2)],
  ['ELF32 Little/Exe', elf(32, 'Little', 2)],
  ['ELF32 Big/Exe', elf(32, 'Big', 2)],
  ['ELF64 Little/SO', elf(64, 'Little', 3)],
  ['ELF64 Little/Core', elf(64, 'Little', 4)],
  ['ELF64 Little/Relocatable', elf(64, 'Little', 1)],
  ['MachO64 Little/Exe', machO(0xfeedfacf, 2)],
  ['MachO64 Little/Dylib', machO(0xfeedfacf, 6)],
  ['MachO32 Little/Exe', machO(0xfeedface, 2)],
  ['MachO/Fat', '\xca\xfe\xba\xbe\0\0\0\x02'],
  ['Binary/None/CLASS', '\xca\xfe\xba\xbe\0\0\0\x34'],
  ['DEX/Exe', 'dex\n035\0'],
  ['Binary/Archive/ZIP', member('readme.txt', 'text')],
  ['Binary/Archive/JAR', member('META-INF/MANIFEST.MF')],
  ['Binary/Archive/APK', member('AndroidManifest.xml', 'x')],
  ['Document/None/DOCX', member('[Content_Types].xml', 'x') + member('word/document.xml')],
  ['Document/None/XLSX', member('[Content_Types].xml', 'x') + member('xl/workbook.xml')],
  ['Document/None/ODF', member('mimetype', 'application/vnd.oasis.opendocument.text')],
  ['Binary/Archive/7Z', '7z\xbc\xaf\x27\x1c\0\x04'],
  ['Binary/Archive/RAR', 'Rar!\x1a\x07\x01\0'],
  ['Binary/Archive/GZIP', '\x1f\x8b\x08\0\0\0\0\0'],
  ['Binary/Archive/BZIP2', 'BZh91AY&SY'],
  ['Binary/Archive/XZ', '\xfd7zXZ\0\0\x04'],
  ['Binary/Archive/ZSTD', '\x28\xb5\x2f\xfd\x04\0'],
  ['Binary/Archive/CAB', 'MSCF\0\0\0\0'],
  ['Binary/Archive/TAR', `${'name'.padEnd(257, '\0')}ustar\x0000`],
  ['Binary/Archive/ISO', `${'\0'.repeat(32_769)}CD001\x01`],
  [
    'Binary/Archive/MSI',
    `\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1${'\0'.repeat(500)}\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46`,
  ],
  ['Document/None/DOC', `\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1${'\0'.repeat(500)}W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0`],
  ['Document/None/OLE', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0'],
  ['Document/None/PDF', '%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'],
  ['Document/None/RTF', '{\\rtf1\\ansi hello}'],
  ['Image/None/PNG', '\x89PNG\r\n\x1a\n\0\0\0\rIHDR'],
  ['Text/HTML/HTML', '<!DOCTYPE html>\n<title>x</title>'],
  ['Text/HTML/HTML', '<!-- a comment -->\n<html><body>'],
  ['Text/XML/XML', '<?xml version="1.0"?>\n<root/>'],
  ['Text/PHP', '<?php eval($_POST["x"]); ?>'],
  ['Text/JSON', '{"a": [1, 2, 3]}'],
  ['Text/Shell', '#!/bin/sh\necho hello\n'],
  ['Text/Shell', '#! /usr/bin/env -S bash -e\n'],
  ['Text/Python', '#!/usr/bin/env python3\nprint(1)\n'],
  ['Text/Python', '"""Doc."""\nimport os\n\ndef main():\n    pass\n'],
  ['Text/VBS', 'Dim shell\r\nSet shell = CreateObject("WScript.Shell")\r\n'],
  ['Text/PowerShell', '$client = New-Object Net.WebClient\nInvoke-Expression $client\n'],
  ['Text/Batch', '@echo off\r\nstart x.exe\r\n'],
  ['Text/None', 'Dear all,\n\nplease find the report attached.\n'],
  ['Text/None', '\xff\xfeh\0e\0l\0l\0o\0'],
  ['Binary/None', '\x00\x01\x02\x03\xf0\xf1\xf2\xf3'],
  ['Binary/None', ''],
]

test('crafted headers are told in the vocabulary of the specification', () => {
  assert.deepEqual(
    crafted.map(([, bytes]) => typeOf(bytes)),
    crafted.map(([type]) => type),
  )
})

test('archives, and documents that are archives inside, are marked for unpacking', () => {
  for (const [type, bytes] of crafted) {
    const head = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    const zipped = ['Document/None/DOCX', 'Document/None/XLSX', 'Document/None/ODF'].includes(type)
    assert.equal(identifier.identify(head, head.length).isArchive, type.startsWith('Binary/Archive/') || zipped, type)
  }
})

test('programs and libraries of this machine are told apart', () => {
  assert.equal(typeOfFile(process.execPath), 'ELF64 Little/Exe')
  const programs = readdirSync('/usr/bin')
    .map((name) => join('/usr/bin', name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
  const types = new Set(programs.map(typeOfFile))
  assert.ok(types.has('ELF64 Little/Exe'))
  assert.ok(types.has('Text/Shell'))
  assert.ok(types.has('Text/Perl'))
})

test('what only libmagic knows is Binary/None without it', () => {
  const unknown = Buffer.from('\x1a\x45\x00\x01SIMPLE  =\x00\x00\x02', 'latin1')
  assert.deepEqual(identifier.identify(unknown, unknown.length, { libmagic: false }), {
    fileType: 'Binary/None',
    description: 'data',
    isArchive: false,
  })
})

test('headers cut off or overwritten anywhere never throw', () => {
  let seed = 20_261_122
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  let tried = 0
  for (const [, bytes] of crafted) {
    const head = Buffer.from(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    for (let round = 0; round < 40 && head.length > 0; round++) {
      const damaged = Buffer.from(head.subarray(0, 1 + Math.floor(random() * head.length)))
      for (let i = 0; i < 4; i++) {
        const at = Math.floor(random() * Math.min(damaged.length, 600))
        damaged[at] = random() < 0.5 ? 0xff : Math.floor(random() * 256)
      }
      identifier.identify(damaged, head.length, { libmagic: false })
      tried++
    }
  }
  assert.ok(tried > 2_000)
})

test('texts made to be slow to tell are told quickly', () => {
  const hostile = [
    '\n',
    ' ',
    '<!--',
    '<!-- -->',
    '{',
    '["',
    '#!',
    '#! -',
    '#!/usr/bin/env -',
    'def a',
    'int ',
    'from a ',
    '$a =',
    '<?xml ',
    '\t\n',
    'a=',
    'from: x',
  ]
  for (const piece of hostile) {
    const head = Buffer.from(piece.repeat(HEAD_LENGTH / piece.length))
    const start = performance.now()
    identifier.identify(head, head.length)
    const ms = performance.now() - start
    assert.ok(ms < 500, `${JSON.stringify(piece)} took ${ms.toFixed(0)} ms`)
  }
})
