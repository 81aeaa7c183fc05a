/**
 * What to write instead, for what the engine refuses without a word about it. The kinds are those that turned up when
 * 3,744 files of six public collections were compiled, and what old rules are known to use; `docs/api.md` counts them.
 */

const digests = new Set(['md5', 'sha1', 'sha256'])
const modules = new Set([
  'pe',
  'elf',
  'macho',
  'dotnet',
  'lnk',
  'hash',
  'math',
  'string',
  'time',
  'console',
  'cuckoo',
  'vt',
])
/** Variables of other programs, and ours. */
const variables: ReadonlyMap<string, string> = new Map([
  ['file_type', 'filetype'],
  ['type', 'filetype'],
  ['file_name', 'filename'],
  ['name', 'filename'],
  ['file_path', 'filepath'],
  ['path', 'filepath'],
  ['file_extension', 'extension'],
  ['ext', 'extension'],
  ['file_size', 'filesize'],
  ['size', 'filesize'],
])
/** Known to VirusTotal's hunting only. */
const services = new Set(['positives', 'signatures', 'tags', 'submissions', 'new_file', 'imphash', 'androguard'])

/** A sentence to add to the engine's message; null where that says it all. */
export function adviceFor(code: string, message: string): string | null {
  const named = /`([^`]*)`/.exec(message)?.[1] ?? ''
  switch (code) {
    case 'E044':
      return 'put the rules of that file here, or give this file to the command line, which does so'
    case 'E010':
      return adviceForModule(named)
    case 'E009':
      return adviceForName(named)
    case 'E100':
      return 'only VirusTotal knows this; leave the rule out'
    case 'E001':
      return adviceForSyntax(message)
    case 'E014':
      return adviceForRegexp(message)
    case 'E015':
      return 'make all repetitions of the expression greedy (`*`) or none of them (`*?`)'
    case 'E016':
      return 'declare strings of that name, or take the set out of the condition'
    case 'E002':
      return message.includes('`integer`, but it is `boolean`')
        ? 'join conditions by `and` and `or`, not by `&` and `|`'
        : null
    case 'E012':
      return 'give one of them another name'
    case 'E022':
      return `use it in the condition, take it out, or call it \`$_${named.slice(1)}\`, which may be unused`
    case 'slow_pattern':
    case 'E112':
      return 'let it hold four or more fixed characters in a row, and take repetitions from its beginning'
    default:
      return null
  }
}

function adviceForModule(name: string): string {
  if (name === 'magic')
    return 'compare the variable `filetype`, as in `filetype == "PDF"`, or the first bytes, as in `uint32(0) == 0x464C457F`'
  if (name === 'androguard') return 'there is nothing in its place; look for strings of the manifest or of the code'
  return 'there is no such module here; save the text with `partial` to run the rules that do not use it'
}

function adviceForName(name: string): string {
  if (digests.has(name)) return `write \`import "hash"\` at the top and \`hash.${name}(0, filesize)\` here`
  if (/^u?int\d+(be)?$/.test(name))
    return 'there are int8, int16 and int32, uint8, uint16 and uint32, and each with `be` at its end'
  if (modules.has(name)) return `write \`import "${name}"\` at the top of the text`
  const ours = variables.get(name)
  if (ours === 'filetype')
    return 'here it is called `filetype`, with values such as `EXE`, `ELF`, `PDF`, `OLE` and `ZIP`'
  if (ours !== undefined) return `here it is called \`${ours}\``
  if (services.has(name)) return 'only other services know this; take it out of the condition'
  return 'a rule must stand before those that use it, and the variables are filename, filepath, extension, filetype and owner'
}

function adviceForSyntax(message: string): string | null {
  if (/found `['‘’“”]/.test(message)) return 'texts stand between straight double quotes: `"`'
  if (/expecting BYTE.*found `[0-9a-f]`$/i.test(message)) return 'a byte has two digits, such as `04`'
  if (/found `[kmgt]i?b`$/i.test(message)) return 'sizes are numbers of bytes, or of `KB` or `MB`'
  return null
}

function adviceForRegexp(message: string): string {
  if (message.includes('empty'))
    return (
      'take the empty alternative away: the `|` before the closing `/` or `)`; or let it hold a character that must be ' +
      'there, since `^` and `.*` match everywhere'
    )
  if (message.includes('look-around')) return 'match the whole, or compare offsets in the condition'
  if (message.includes('hexadecimal')) return 'a backslash itself is written `\\\\`, as in `/C:\\\\Users/`'
  if (message.includes('backreference')) return 'write the part out, since nothing refers back to a group'
  return 'signs that stand for themselves need a backslash before them, and a backslash is written `\\\\`'
}
