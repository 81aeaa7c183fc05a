/**
 * Base64 of a text that stands somewhere inside a longer one.
 *
 * Base64 writes three bytes as four characters of six bits. Where the text starts within such a group of three decides
 * how it looks, so there are three forms. The characters at its ends also hold bits of its neighbours and are left out:
 *
 *     "foobar" first in a group     Zm9v YmFy
 *     one byte before it            ??Zv b2Jh c?       → Zvb2Jhc
 *     two bytes before it           ???m b29i YX?      → mb29iYX
 */
const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/**
 * The characters that do not depend on what is around the text, for each of the three alignments. `alphabet` holds 64
 * characters; with another number of them nothing is known and the forms are empty.
 */
export function base64Forms(bytes: Uint8Array, alphabet: string): Uint8Array[] {
  const letters = Buffer.from(alphabet === 'standard' ? STANDARD : alphabet, 'latin1')
  return [0, 1, 2].map((before) => {
    if (letters.length !== 64 || letters.some((letter) => letter > 0x7f)) return new Uint8Array(0)
    const firstBit = before * 8
    const lastBit = firstBit + bytes.length * 8
    const characters: number[] = []
    for (let bit = Math.ceil(firstBit / 6) * 6; bit + 6 <= lastBit; bit += 6) {
      characters.push(letters[sixBits(bytes, bit - firstBit)] as number)
    }
    return Uint8Array.from(characters)
  })
}

function sixBits(bytes: Uint8Array, bit: number): number {
  const at = bit >> 3
  const pair = ((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0)
  return (pair >> (10 - (bit & 7))) & 63
}
