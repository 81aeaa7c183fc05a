import type { Head, Recognised } from './head.ts'

/** How far down a text the files in it may begin: some words often stand above them. */
const SEARCHED = 16_384

/** Files written as text, from before there was MIME. A mail that has them is a mail. */
const forms: readonly (readonly [form: string, pattern: RegExp])[] = [
  // `begin 644 tool.exe`, and a line whose first character says how many bytes follow.
  ['UUE', /^begin 0?[0-7]{3} \S.*\r?\n([!-`])[ -`]{4,84}\r?$/m],
  ['UUE', /^begin-base64 0?[0-7]{3} \S.*\r?\n[A-Za-z0-9+/=]{4,76}\r?$/m],
  ['BINHEX', /^\(This file must be converted with BinHex/m],
  ['YENC', /^=ybegin .*\bname=/m],
]

/** They hold other files, which are not taken out of them here: whoever asks what is in them has to be told so. */
export function recogniseEncodedText(head: Head): Recognised | null {
  const text = head.text(0, SEARCHED)
  const found = forms.find(([, pattern]) => pattern.test(text))
  if (found === undefined) return null
  return { fileType: `Binary/Archive/${found[0]}`, description: `${found[0]} archive`, isArchive: true }
}
