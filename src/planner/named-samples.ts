import type { Fact, VariableName } from './plan.ts'
import { type SampleVariables, variableMayHold } from './variables.ts'

/**
 * The variables of many samples, as they travel to a worker: each text once, whoever has it. `texts` are joined by zero
 * characters; a name is five numbers of texts, in the order of `order`; `names[5 * starts[s]]` is where those of the
 * sample `ids[s]` (ascending) begin.
 */
export interface PackedNames {
  readonly ids: Uint32Array
  readonly starts: Uint32Array
  readonly names: Uint32Array
  readonly texts: string
}

const order: readonly VariableName[] = ['filename', 'filepath', 'extension', 'filetype', 'owner']

/** Samples by ascending id, each with its names. One that has a text with a zero character is left out: not known. */
export function packNames(samples: Iterable<readonly [id: number, names: readonly SampleVariables[]]>): PackedNames {
  const numbers = new Map<string, number>()
  const numberOf = (text: string) => {
    const number = numbers.get(text) ?? numbers.size
    numbers.set(text, number)
    return number
  }
  const ids: number[] = []
  const starts = [0]
  const packed: number[] = []
  for (const [id, names] of samples) {
    if (names.some((one) => order.some((variable) => one[variable].includes('\0')))) continue
    ids.push(id)
    for (const one of names) for (const variable of order) packed.push(numberOf(one[variable]))
    starts.push(packed.length / order.length)
  }
  return {
    ids: Uint32Array.from(ids),
    starts: Uint32Array.from(starts),
    names: Uint32Array.from(packed),
    texts: [...numbers.keys()].join('\0'),
  }
}

/** Answers facts about the variables of the samples that were packed; of any other sample every fact may hold. */
export class NamedSamples {
  readonly #packed: PackedNames
  readonly #texts: readonly string[]

  constructor(packed: PackedNames) {
    this.#packed = packed
    this.#texts = packed.texts.split('\0')
  }

  /** Calls `set` with the position of each sample in `ids` (ascending) that the fact may hold for. */
  mayHold(fact: Extract<Fact, { readonly kind: 'variable' }>, ids: Uint32Array, set: (position: number) => void): void {
    const { ids: known, starts, names } = this.#packed
    const place = order.indexOf(fact.variable)
    // Most samples share their extension, type and owner with others.
    const holds = new Int8Array(this.#texts.length).fill(-1)
    const textHolds = (number: number) => {
      if (holds[number] === -1) holds[number] = variableMayHold(fact, this.#texts[number] as string) ? 1 : 0
      return holds[number] === 1
    }
    let k = 0
    for (let s = 0; s < ids.length; s++) {
      const id = ids[s] as number
      while (k < known.length && (known[k] as number) < id) k++
      if (known[k] !== id) {
        set(s)
        continue
      }
      for (let name = starts[k] as number; name < (starts[k + 1] as number); name++) {
        if (!textHolds(names[name * order.length + place] as number)) continue
        set(s)
        break
      }
    }
  }
}
