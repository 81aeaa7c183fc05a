/**
 * Makes a screenshot a quarter of its size, for pictures that live in the repository: its 256 most frequent colours
 * become a palette, and every other pixel (the soft edges of letters) takes the nearest of them.
 */
import { crc32, deflateSync, inflateSync } from 'node:zlib'

/** Eight bits a channel, rows from the top, without padding. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly channels: 3 | 4
  readonly pixels: Uint8Array
}

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex')
const COLOURS = 256

/** `png` as browsers make it: eight bits a channel, RGB or RGBA, not interlaced. What is transparent becomes opaque. */
export function smallPng(png: Buffer): Buffer {
  const { width, height, channels, pixels } = readPng(png)
  const counts = new Map<number, number>()
  for (let at = 0; at < pixels.length; at += channels) {
    const colour = colourAt(pixels, at)
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const palette = [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, COLOURS)
    .map(([colour]) => colour)
  const places = new Map(palette.map((colour, place) => [colour, place]))
  const rows = Buffer.alloc(height * (width + 1))
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += channels) {
      const colour = colourAt(pixels, at)
      let place = places.get(colour)
      if (place === undefined) {
        place = nearest(palette, colour)
        places.set(colour, place)
      }
      rows[y * (width + 1) + 1 + x] = place
    }
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  // Eight bits a pixel, places in a palette.
  head.set([8, 3], 8)
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Reads pictures as browsers make them, and those with a palette, which become RGB. */
export function readPng(png: Buffer): Picture {
  if (!png.subarray(0, 8).equals(SIGNATURE)) throw new Error('This is no PNG.')
  const parts = new Map<string, Buffer[]>()
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    const kind = png.toString('latin1', at + 4, at + 8)
    parts.set(kind, [...(parts.get(kind) ?? []), png.subarray(at + 8, at + 8 + length)])
    at += 12 + length
  }
  const head = Buffer.concat(parts.get('IHDR') ?? [])
  const [bits, kind, , , interlaced] = head.subarray(8)
  const samples = { 2: 3, 3: 1, 6: 4 }[kind as number]
  if (bits !== 8 || samples === undefined || interlaced !== 0) throw new Error('This kind of PNG is not read here.')
  const width = head.readUInt32BE(0)
  const height = head.readUInt32BE(4)
  const pixels = unfiltered(inflateSync(Buffer.concat(parts.get('IDAT') ?? [])), width * samples, height, samples)
  if (kind !== 3) return { width, height, channels: samples as 3 | 4, pixels }
  const palette = Buffer.concat(parts.get('PLTE') ?? [])
  const colours = Uint8Array.from({ length: pixels.length * 3 }, (_, at) => {
    return palette[(pixels[Math.floor(at / 3)] as number) * 3 + (at % 3)] as number
  })
  return { width, height, channels: 3, pixels: colours }
}

/** Each row begins with how it was written: as it is, or as differences to its left, to the row above, or to both. */
function unfiltered(rows: Buffer, rowBytes: number, height: number, samples: number): Uint8Array {
  const pixels = new Uint8Array(rowBytes * height)
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (rowBytes + 1)] as number
    for (let x = 0; x < rowBytes; x++) {
      const at = y * rowBytes + x
      const left = x >= samples ? (pixels[at - samples] as number) : 0
      const up = y > 0 ? (pixels[at - rowBytes] as number) : 0
      const corner = x >= samples && y > 0 ? (pixels[at - rowBytes - samples] as number) : 0
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0
      pixels[at] = (rows[y * (rowBytes + 1) + 1 + x] as number) + guess
    }
  }
  return pixels
}

/** The neighbour that is nearest to `left + up - corner`. */
function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

function colourAt(pixels: Uint8Array, at: number): number {
  return ((pixels[at] as number) << 16) | ((pixels[at + 1] as number) << 8) | (pixels[at + 2] as number)
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const [place, other] of palette.entries()) {
    const red = (other >> 16) - (colour >> 16)
    const green = ((other >> 8) & 255) - ((colour >> 8) & 255)
    const blue = (other & 255) - (colour & 255)
    const distance = red * red + green * green + blue * blue
    if (distance >= least) continue
    least = distance
    best = place
  }
  return best
}

function chunk(kind: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), content])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(content.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}
