/** The check of health in the configuration of an image: Docker reads it there, and `umoci` has no word for it. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Blob {
  digest: string
  size: number
}

const SECOND = 1e9

/** Adds it to the one image of a layout. Gives the image's digest and its size with all layers, in bytes. */
export function addHealthCheck(layout: string, command: readonly string[]): Blob {
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: [Blob] }
  const manifest = read(layout, index.manifests[0]) as { config: Blob; layers: Blob[] }
  const config = read(layout, manifest.config) as { config: object }
  config.config = {
    ...config.config,
    Healthcheck: {
      Test: ['CMD', ...command],
      Interval: 30 * SECOND,
      Timeout: 10 * SECOND,
      // A large database is checked before the first answer.
      StartPeriod: 300 * SECOND,
    },
  }
  Object.assign(manifest.config, write(layout, config))
  const image = write(layout, manifest)
  Object.assign(index.manifests[0], image)
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index))
  const size = [manifest.config, ...manifest.layers].reduce((sum, blob) => sum + blob.size, image.size)
  return { digest: image.digest, size }
}

const place = (layout: string, digest: string): string => join(layout, 'blobs', digest.replace(':', '/'))

const read = (layout: string, { digest }: Blob): unknown => JSON.parse(readFileSync(place(layout, digest), 'utf8'))

function write(layout: string, content: unknown): Blob {
  const bytes = Buffer.from(JSON.stringify(content))
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  writeFileSync(place(layout, digest), bytes)
  return { digest, size: bytes.length }
}
