/**
 * A tile: some rows of a bit matrix, side by side for all of its columns. Column c of a row is bit `c & 7` of byte
 * `c >> 3` of the row.
 */
export interface BitTile {
  readonly rows: number
  /** Bytes of a row. */
  readonly rowBytes: number
  readonly bytes: Uint8Array
}

/** Neighbouring columns: from `from` up to but not including `to`. */
export interface ColumnRun {
  readonly from: number
  readonly to: number
}

/** Where a run goes: to `column` and on. */
export interface PlacedRun extends ColumnRun {
  readonly column: number
}

export function emptyTile(rows: number, columns: number): BitTile {
  const rowBytes = Math.ceil(columns / 8)
  return { rows, rowBytes, bytes: new Uint8Array(rows * rowBytes) }
}

/** Sets column `c` of a tile (zeros there before) from `bits`, which holds a bit for each row, eight a byte. */
export function scatterColumn(bits: Uint8Array, { bytes, rowBytes }: BitTile, c: number): void {
  const bit = 1 << (c & 7)
  let cell = c >>> 3
  for (let i = 0; i < bits.length; i++, cell += 8 * rowBytes) {
    for (let rest = bits[i] as number; rest !== 0; rest &= rest - 1) {
      const target = cell + (31 - Math.clz32(rest & -rest)) * rowBytes
      bytes[target] = (bytes[target] as number) | bit
    }
  }
}

/** Reads column `c` of a tile into `bits` (zeros there before), a bit for each row, eight a byte. */
export function gatherColumn({ bytes, rowBytes, rows }: BitTile, c: number, bits: Uint8Array): void {
  const shift = c & 7
  let cell = c >>> 3
  for (let row = 0; row < rows; row++, cell += rowBytes) {
    const bit = ((bytes[cell] as number) >>> shift) & 1
    bits[row >>> 3] = (bits[row >>> 3] as number) | (bit << (row & 7))
  }
}

/** Copies runs of columns to their places in a tile with as many rows (zeros there before). */
export function copyRuns(source: BitTile, runs: readonly PlacedRun[], target: BitTile): void {
  for (const { from, to, column } of runs) {
    for (let row = 0; row < source.rows; row++)
      copyBits(
        source.bytes,
        row * source.rowBytes * 8 + from,
        target.bytes,
        row * target.rowBytes * 8 + column,
        to - from,
      )
  }
}

/** Copies `count` bits from bit `from` of `source` to bit `to` of `target`, where zeros were before. */
function copyBits(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  const end = from + count
  while (from < end) {
    // As many bits as fill up the target's byte, taken from at most two bytes of the source.
    const room = Math.min(8 - (to & 7), end - from)
    const at = Math.floor(from / 8)
    const pair = (source[at] as number) | ((at + 1 < source.length ? (source[at + 1] as number) : 0) << 8)
    const bits = (pair >>> (from & 7)) & ((1 << room) - 1)
    const cell = Math.floor(to / 8)
    target[cell] = (target[cell] as number) | (bits << (to & 7))
    from += room
    to += room
  }
}
