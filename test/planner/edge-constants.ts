import type { Random } from './random.ts'

/** Numbers around which representations part: bytes, words, 2^53, 2^63, and what the files of a test have. */
const edges = [0n, 1n, 2n, 3n, 7n, 8n, 10n, 31n, 32n, 52n, 53n, 62n, 63n, 64n, 100n, 255n, 256n, 1024n]
const powers = [8n, 15n, 16n, 31n, 32n, 42n, 43n, 44n, 51n, 52n, 53n, 54n, 61n, 62n]

function literal(random: Random): string {
  if (random.once(2)) return String(random.pick(edges))
  const value = (1n << random.pick(powers)) + BigInt(random.below(5)) - 2n
  if (random.once(12)) return '0x7fffffffffffffff'
  if (random.once(12)) return `${random.below(20)}${random.pick(['KB', 'MB'])}`
  if (random.once(16)) return '8796093022207MB'
  return random.pick([String(value), `0x${value.toString(16)}`, `0o${value.toString(8)}`])
}

/** A constant integer expression, at the edges more often than not. */
export function edgeConstant(random: Random, depth = 0): string {
  if (depth > 3 || random.once(3)) return literal(random)
  const part = () => edgeConstant(random, depth + 1)
  if (random.once(8)) return `-(${part()})`
  if (random.once(10)) return `~(${part()})`
  if (random.once(20)) return `(${part()} * ${random.pick(['0.5', '1.5', '2.0', '9007199254740993.0'])})`
  const operator = random.pick(['+', '+', '-', '-', '*', '\\', '%', '&', '|', '^', '<<', '>>'])
  // A result near nothing is worth more than a large one: the files of a test are small.
  if (random.once(4)) {
    const same = part()
    return `((${same}) ${random.pick(['-', '^', '%'])} (${same}))`
  }
  return `(${part()} ${operator} ${part()})`
}

/** Conditions in which a constant decides, for files of `sizes` bytes. */
export function edgeCondition(random: Random, sizes: readonly number[]): string {
  const near = () => `(${random.pick(sizes)} + ${edgeConstant(random)})`
  const constant = () => (random.once(2) ? near() : edgeConstant(random))
  const compare = () => random.pick(['==', '!=', '<', '<=', '>', '>='])
  const condition = (() => {
    switch (random.below(12)) {
      case 0:
        return `${constant()} ${compare()} ${constant()}`
      case 1:
        return `uint8(${constant()}) ${compare()} ${constant()}`
      case 2:
        return `int32be(${constant()}) & ${constant()} == ${constant()}`
      case 3:
        return `#a ${compare()} ${constant()}`
      case 4:
        return `$a at ${constant()}`
      case 5:
        return `$a in (${constant()}..${constant()})`
      case 6:
        return `@a[${constant()}] ${compare()} ${constant()}`
      case 7:
        return `${constant()} of ($a, $b)`
      case 8: {
        // Longer loops take the engine more time than they are worth.
        const from = constant()
        return `for ${random.pick(['any', 'all'])} i in (${from}..(${from} + ${random.below(3)})) : (filesize ${compare()} i)`
      }
      case 9:
        return `with c = ${constant()} : (filesize ${compare()} c)`
      default:
        return `filesize ${compare()} ${constant()}`
    }
  })()
  return random.once(4) ? `not (${condition})` : condition
}
