/**
 * Bits of a matrix whose rows are stored one after the other, `rowBytes` bytes each; column c of a row is bit `c & 7` of
 * byte `c >> 3`.
 */

/** Sets column `c` of a matrix (zeros there before) from `column`, which holds a bit for each row, eight a byte. */
export function scatterColumn(column: Uint8Array, matrix: Uint8Array, rowBytes: number, c: number): void {
  const bit = 1 << (c & 7)
  let cell = c >>> 3
  for (let i = 0; i < column.length; i++, cell += 8 * rowBytes) {
    for (let rest = column[i] as number; rest !== 0; rest &= rest - 1) {
      const target = cell + (31 - Math.clz32(rest & -rest)) * rowBytes
      matrix[target] = (matrix[target] as number) | bit
    }
  }
}

/** Reads column `c` of a matrix of `rows` rows into `column` (zeros there before), eight rows a byte. */
export function gatherColumn(matrix: Uint8Array, rowBytes: number, rows: number, c: number, column: Uint8Array): void {
  const shift = c & 7
  let cell = c >>> 3
  for (let row = 0; row < rows; row++, cell += rowBytes) {
    const bit = ((matrix[cell] as number) >>> shift) & 1
    column[row >>> 3] = (column[row >>> 3] as number) | (bit << (row & 7))
  }
}

/** Copies `count` bits from bit `from` of `source` to bit `to` of `target`, where zeros were before. */
export function copyBits(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  const end = from + count
  while (from < end) {
    // As many bits as fill up the target's byte, taken from at most two bytes of the source.
    const room = Math.min(8 - (to & 7), end - from)
    const at = from >>> 3
    const pair = (source[at] as number) | ((at + 1 < source.length ? (source[at + 1] as number) : 0) << 8)
    const bits = (pair >>> (from & 7)) & ((1 << room) - 1)
    target[to >>> 3] = (target[to >>> 3] as number) | (bits << (to & 7))
    from += room
    to += room
  }
}
