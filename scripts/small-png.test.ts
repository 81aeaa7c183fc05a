import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { readPng, smallPng } from './small-png.ts'

/** An RGBA picture as browsers write it, each row with another of the five filters. */
function png(
  width: number,
  height: number,
  colour: (x: number, y: number) => readonly [number, number, number],
): Buffer {
  const at = (x: number, y: number, channel: number) =>
    x < 0 || y < 0 ? 0 : channel === 3 ? 255 : (colour(x, y)[channel] as number)
  const rows = Buffer.alloc(height * (width * 4 + 1))
  for (let y = 0; y < height; y++) {
    const filter = y % 5
    rows[y * (width * 4 + 1)] = filter
    for (let place = 0; place < width * 4; place++) {
      const [x, channel] = [Math.floor(place / 4), place % 4]
      const [left, up, corner] = [at(x - 1, y, channel), at(x, y - 1, channel), at(x - 1, y - 1, channel)]
      const distances = [left, up, corner].map((each) => Math.abs(left + up - corner - each))
      const nearest = [left, up, corner][distances.indexOf(Math.min(...distances))] as number
      const guess = [0, left, up, (left + up) >> 1, nearest][filter] as number
      rows[y * (width * 4 + 1) + 1 + place] = at(x, y, channel) - guess
    }
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 6], 8)
  const part = (kind: string, content: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(content.length)
    return Buffer.concat([length, Buffer.from(kind), content, Buffer.alloc(4)])
  }
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([signature, part('IHDR', head), part('IDAT', deflateSync(rows)), part('IEND', Buffer.alloc(0))])
}

test('a picture of few colours keeps every pixel', () => {
  const colour = (x: number, y: number) => [(x % 16) * 16, (y % 16) * 16, 77] as const
  const { width, height, channels, pixels } = readPng(smallPng(png(40, 30, colour)))
  assert.deepEqual([width, height, channels], [40, 30, 3])
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      assert.deepEqual([...pixels.subarray((y * width + x) * 3).subarray(0, 3)], colour(x, y), `${x}, ${y}`)
    }
  }
})

test('a picture of many colours keeps the frequent ones, and the others come near', () => {
  const colour = (x: number, y: number) => (y < 50 ? ([250, 251, 252] as const) : ([x, y, (x + y) % 256] as const))
  const { pixels, width, height } = readPng(smallPng(png(100, 100, colour)))
  assert.deepEqual([...pixels.subarray(0, 3)], [250, 251, 252])
  for (let place = 0; place < width * height; place++) {
    const wanted = colour(place % width, Math.floor(place / width))
    for (const [channel, value] of wanted.entries()) {
      const off = Math.abs((pixels[place * 3 + channel] as number) - value)
      assert.ok(off < 110, `pixel ${place} is off by ${off}`)
    }
  }
})

test('what is no PNG is refused', () => {
  assert.throws(() => smallPng(Buffer.from('GIF89a and more')), /no PNG/)
})
