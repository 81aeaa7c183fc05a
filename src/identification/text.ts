import { isUtf8 } from 'node:buffer'
import type { Head, Recognised } from './head.ts'

/** Languages are told from this much text. */
const LOOKED_AT = 8_192

const interpreters: readonly (readonly [name: RegExp, language: string])[] = [
  [/^(ba|da|k|z|c|tc|a|fi)?sh$/, 'Shell'],
  [/^python/, 'Python'],
  [/^perl/, 'Perl'],
  [/^ruby/, 'Ruby'],
  [/^(node|nodejs|deno|bun)$/, 'JavaScript'],
  [/^php/, 'PHP'],
  [/^(pwsh|powershell)/, 'PowerShell'],
  [/^lua/, 'Lua'],
  [/^(tclsh|wish|expect)/, 'Tcl'],
  [/^g?awk/, 'AWK'],
]

/** How a text begins; comments and white space before it are skipped. */
const openings: readonly (readonly [opening: RegExp, type: string, description: string])[] = [
  [/^<!doctype html|^<html\b|^<(head|body|script|iframe)\b/i, 'Text/HTML/HTML', 'HTML document'],
  [/^<\?php/i, 'Text/PHP', 'PHP script'],
  [/^<\?xml[^>]*>\s*(<!--.{0,500}?-->\s*)*(<!doctype html|<html\b)/is, 'Text/HTML/HTML', 'XHTML document'],
  [/^<\?xml[^>]*>\s*(<!--.{0,500}?-->\s*)*(<!doctype svg|<svg\b)/is, 'Image/None/SVG', 'SVG image'],
  [/^<\?xml/i, 'Text/XML/XML', 'XML document'],
  [/^<svg\b/i, 'Image/None/SVG', 'SVG image'],
  [/^-----BEGIN [A-Z0-9 ]{1,40}-----/, 'Text/PEM', 'PEM encoded data'],
  [/^@echo off\b/i, 'Text/Batch', 'Windows batch file'],
  [/^\[InternetShortcut\]/i, 'Text/URL', 'Internet shortcut'],
  [/^Windows Registry Editor|^REGEDIT4/, 'Text/Registry', 'Windows registry script'],
]

/** Lines that hardly any other kind of text has; two different ones are asked for. */
const languages: readonly (readonly [language: string, signs: readonly RegExp[]])[] = [
  [
    'Python',
    [
      /^(from [\w.]{1,80} )?import [\w.*(]/m,
      /^ *(async )?def \w{1,80}\(/m,
      /^ *class \w{1,80}(\([^)\n]{0,200}\))?:/m,
      /^ *(if|elif|for|while|with|try|except)\b[^\n]{0,200}:$/m,
    ],
  ],
  [
    'C',
    [
      /^#\s*include\s*[<"]/m,
      /^#\s*(define|ifdef|ifndef|pragma)\b/m,
      /^(static |const |extern )*(int|void|char|struct \w{1,40}|unsigned|bool|size_t)\b[^\n;]{0,80}[({;]/m,
    ],
  ],
  [
    'JavaScript',
    [
      /^[ \t]*(var|let|const) [\w{[$][^\n]{0,80}=/m,
      /\bfunction\b ?\w{0,80}\(/,
      /=>/,
      /\b(module\.exports|require\(|document\.|window\.)/,
      /^(import|export) [^\n]{0,80}(from|default|const|function|class)\b/m,
    ],
  ],
  [
    'Perl',
    [/^use (strict|warnings|[A-Z]\w{0,40})\b/m, /^package [\w:]{1,80};/m, /^sub \w{1,80}\b/m, /^=(head1|pod|cut)\b/m],
  ],
  [
    'PowerShell',
    [
      /\$\w{1,60}\s*=\s*(New-Object|Get-|\[)/i,
      /\b(Write-Host|Write-Output|Invoke-Expression|Get-ChildItem|Set-Item\w{0,40})\b/i,
      /^[ \t]*(param\s*\(|function [A-Z][a-z]{1,20}-\w)/im,
      /\b-(eq|ne|Path|NoProfile|EncodedCommand)\b/i,
    ],
  ],
  [
    'VBS',
    [
      /\bCreateObject\s*\(/i,
      /^[ \t]*(Dim|Set) \w/im,
      /^[ \t]*(End (Sub|Function|If)|Option Explicit)\b/im,
      /\bWScript\./i,
    ],
  ],
  ['Shell', [/^[ \t]*(if|while|until) \[/m, /^[ \t]*(fi|esac|done)\b/m, /^[ \t]*(export|source) \w/m]],
  [
    'Java',
    [
      /^import (static )?[\w.]{1,100};/m,
      /^package [\w.]{1,100};/m,
      /\b(public|private|protected) (static |final |abstract )*(class|interface|enum|void|int|String)\b/,
    ],
  ],
]

/** Null for what is not text: bytes that are neither UTF-8 nor UTF-16 with a mark, or control characters. */
export function recogniseText(head: Head): Recognised | null {
  if (head.bytes.length === 0) return null
  const decoded = decode(head)
  if (decoded === null) return null
  const { encoding, text } = decoded
  const source = languageOf(text)
  if (source !== null) return { ...source, description: `${source.description}, ${encoding} text` }
  return { fileType: 'Text/None', description: `${encoding} text` }
}

function languageOf(text: string): Recognised | null {
  const script = /^#! *(\S{1,200})(?: +(?:-\S+ +)*(\S{1,200}))?/.exec(text)
  if (script !== null) {
    const program = script[1]?.split('/').at(-1) ?? ''
    const name = program === 'env' ? (script[2] ?? '') : program
    const language = interpreters.find(([pattern]) => pattern.test(name))?.[1]
    if (language === undefined) return { fileType: 'Text/Script', description: 'script' }
    return { fileType: `Text/${language}`, description: `${language} script` }
  }
  const start = text.trimStart().replace(/^(<!--.{0,2000}?-->\s*)+/s, '')
  for (const [opening, fileType, description] of openings) {
    if (opening.test(start)) return { fileType, description }
  }
  if (/^[[{]\s*("|\{|\[|\]|\}|-?\d|true|false|null)/.test(start) && looksLikeJson(start)) {
    return { fileType: 'Text/JSON', description: 'JSON data' }
  }
  for (const [language, signs] of languages) {
    if (signs.filter((sign) => sign.test(text)).length >= 2) {
      return { fileType: `Text/${language}`, description: `${language} source` }
    }
  }
  return null
}

/** Names in quotes with colons, and nothing between them that JSON does not have. */
function looksLikeJson(start: string): boolean {
  return /^[[{]/.test(start) && !/^[^"]{0,200}?[;()=]/.test(start) && /"\s*[:,\]]|^\[[\s\d.,eE+-]+\]?/.test(start)
}

const HIGH = 1
const CONTROL = 2

/** By byte: HIGH above ASCII, CONTROL for what no text has; 0 for the rest. */
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return HIGH
  // Tab, line feed, form feed, carriage return, escape and the like are part of texts.
  const isOfText = (byte >= 0x20 && byte !== 0x7f) || (byte >= 7 && byte <= 13) || byte === 0x1b
  return isOfText ? 0 : CONTROL
})

function decode(head: Head): { readonly encoding: string; readonly text: string } | null {
  const { bytes } = head
  if (head.has('\xff\xfe')) return { encoding: 'UTF-16 (little endian)', text: utf16(bytes, 'utf-16le') }
  if (head.has('\xfe\xff')) return { encoding: 'UTF-16 (big endian)', text: utf16(bytes, 'utf-16be') }
  let seen = 0
  for (let at = 0; at < bytes.length; at++) {
    seen |= kinds[bytes[at] as number] as number
    if (seen & CONTROL) return null
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LOOKED_AT))
  if (!(seen & HIGH)) return { encoding: 'ASCII', text: text.toString('latin1') }
  if (head.has('\xef\xbb\xbf')) return { encoding: 'UTF-8 (with mark)', text: text.toString('utf8', 3) }
  // The head may end within a character.
  for (let cut = 0; cut < 4 && cut < bytes.length; cut++) {
    if (cut > 0 && head.bytes.length === head.size) break
    if (isUtf8(bytes.subarray(0, bytes.length - cut))) return { encoding: 'UTF-8', text: text.toString('utf8') }
  }
  // Old single-byte text: hardly any control characters, and most of it letters of the first half.
  let letters = 0
  for (const byte of bytes) if (byte < 0x80) letters++
  return letters > bytes.length * 0.7 ? { encoding: 'extended ASCII', text: text.toString('latin1') } : null
}

function utf16(bytes: Uint8Array, encoding: 'utf-16le' | 'utf-16be'): string {
  return new TextDecoder(encoding).decode(bytes.subarray(0, LOOKED_AT))
}
