/**
 * What the disk alone allows: every file below the given folders is copied, and each copy synced, 64 at a time. Intake
 * does at least that. Run as `node copied-and-synced.ts TARGET FOLDER…`, with UV_THREADPOOL_SIZE=64; prints seconds.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const AT_ONCE = 64

const [target = '', ...folders] = process.argv.slice(2)
const files = folders.flatMap((folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name)),
)
const places = Array.from({ length: 256 }, (_, n) => join(target, `${n}`))
for (const place of places) mkdirSync(place, { recursive: true })

const begin = performance.now()
let next = 0
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let n = next++; n < files.length; n = next++) {
      const copy = await open(join(places[n % places.length] as string, `${n}`), 'wx')
      await copy.writeFile(await readFile(files[n] as string))
      await copy.sync()
      await copy.close()
    }
  }),
)
console.log((performance.now() - begin) / 1000)
