/** A plan as the server prints it, one demand a line, as a tree in plain words. */
import { bytes, counted } from '../../parts/numbers.ts'

export interface Demand {
  /** What a sample must be like. Parts between backticks are code. */
  readonly words: string
  readonly parts: readonly Demand[]
  /** How many demands beside this one read the same, and are left out. */
  readonly alike: number
}

/** The demands of a plan, all of which are made. */
export function demandsOf(plan: string): Demand[] {
  const lines = plan.split('\n').filter((line) => line.trim() !== '')
  const [root, ...others] = nested(lines)
  // "Only if all of these hold" is what a list says by itself.
  if (root?.line === 'all of' && others.length === 0) return merged(root.parts, true)
  return merged(root ? [root, ...others] : [], true)
}

interface Line {
  readonly line: string
  readonly parts: readonly Line[]
}

function nested(lines: readonly string[]): Line[] {
  let next = 0
  const read = (depth: number): Line[] => {
    const found: Line[] = []
    for (;;) {
      const line = lines[next]
      if (line === undefined || line.length - line.trimStart().length < depth * 2) return found
      next++
      found.push({ line: line.trim(), parts: read(depth + 1) })
    }
  }
  return read(0)
}

/** Look-ups of the same string are one demand where all are made; what reads the same is told once. */
function merged(lines: readonly Line[], areAllMade: boolean): Demand[] {
  const demands = (areAllMade ? summed(lines) : lines).map(
    ({ line, parts }): Demand => ({ words: inWords(line), parts: merged(parts, line === 'all of'), alike: 0 }),
  )
  const bySight = Map.groupBy(demands, (demand) => JSON.stringify(demand))
  return [...bySight.values()].map(([first, ...others]) => ({ ...(first as Demand), alike: others.length }))
}

/** Long grams are of the same string, and asked of large samples only. */
const lookUps = /^(.+): (?:(\d+) (?:wide )?grams?(?:, \d+ long)?|words)$/

function summed(lines: readonly Line[]): Line[] {
  const byLabel = Map.groupBy(lines, ({ line }) => lookUps.exec(line)?.[1])
  return lines.flatMap((each): Line[] => {
    const label = lookUps.exec(each.line)?.[1]
    const same = label === undefined ? [each] : (byLabel.get(label) ?? [])
    if (label === undefined || same.length === 1) return [each]
    if (same[0] !== each) return []
    const sum = same.reduce((total, { line }) => total + Number(lookUps.exec(line)?.[2] ?? 0), 0)
    return [{ line: `${label}: ${sum} grams`, parts: [] }]
  })
}

/** Lines of a plan on the left, what they say on the right. */
const phrases: readonly (readonly [line: RegExp, words: (...found: string[]) => string])[] = [
  [/^all of$/, () => 'all of these hold'],
  [/^one of$/, () => 'at least one of these holds'],
  [/^at least (\d+) of$/, (number) => `at least ${number} of these hold`],
  [
    /^(?:uint16\(0\) == 0x5a4d|uint16be\(0\) == 0x4d5a|bytes at 0: 4d 5a)$/,
    () => 'it begins with `MZ`, as Windows programs do',
  ],
  [
    /^(?:uint32\(0\) == 0x464c457f|uint32be\(0\) == 0x7f454c46|bytes at 0: 7f 45 4c 46)$/,
    () => 'it begins with `7f ELF`, as Linux programs do',
  ],
  [lookUps, (label, number = '1') => `\`${label}\` may be in it (${counted(Number(number), 'look-up')})`],
  [/^filesize == (\d+)$/, (size) => `its size is ${sizeOf(size)}`],
  [/^filesize >= (\d+)$/, (size) => `its size is at least ${sizeOf(size)}`],
  [/^filesize <= (\d+)$/, (size) => `its size is at most ${sizeOf(size)}`],
  [/^(\d+) <= filesize <= (\d+)$/, (least, most) => `its size is from ${sizeOf(least)} to ${sizeOf(most)}`],
  [/^bytes at (\d+): (.+)$/, (offset, value) => `at offset ${offset} it has \`${value}\``],
  [/^signed by ([0-9a-f:]+)$/, (serial) => `it is signed with the certificate \`${serial}\``],
  [
    /^signed by one of (\d+): ([0-9a-f:]+), …$/,
    (number, serial) =>
      `it is signed with one of ${counted(Number(number), 'certificate')}, the first being \`${serial}\``,
  ],
  [/^may match: (.+)$/, (why) => `nothing is demanded: ${why}`],
  [/^never matches: (.+)$/, (why) => `no sample can match: ${why}`],
  [/^(md5|sha1|sha256|sha512) == (\w+)$/, (algorithm, digest) => `its ${algorithm} is \`${digest}\``],
  [/^(… \d+ more of the kind)$/, (words) => words],
]

const sizeOf = (digits: string): string => bytes(Number(digits))

function inWords(line: string): string {
  for (const [pattern, words] of phrases) {
    const found = pattern.exec(line)
    if (found) return words(...found.slice(1))
  }
  return `\`${line}\``
}
