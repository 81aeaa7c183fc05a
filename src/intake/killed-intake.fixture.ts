/**
 * A process that takes samples in and is killed in the middle of it, before the last that it acknowledged is processed:
 * `node killed-intake.fixture.ts FOLDER RULES`.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { storedZip } from '../archives/stored-zip.fixture.ts'
import { openCollection } from './collection.fixture.ts'

const [, , folder = '', rules = ''] = process.argv
const collection = await openCollection(folder)
await collection.rulesets.save(collection.operator, { name: 'marks', content: readFileSync(rules, 'utf8') })
await collection.segments.start()
await collection.intake.start()
let acknowledged = 0
for (let i = 0; ; i++) {
  const plain = Buffer.concat([Buffer.from(`the marked words ${i}`), randomBytes(20_000)])
  const zip = storedZip([{ name: Buffer.from('member'), bytes: Buffer.from(`packed: the marked words ${i}`) }])
  for (const bytes of [plain, zip]) {
    const { sha256 } = await collection.intake.receive(Readable.from([bytes]), { filename: `f${i}`, userId: null })
    // The acknowledgement: from here on the sample must not be lost.
    process.stdout.write(`${sha256}\n`)
    acknowledged++
    if (acknowledged > 60 && collection.intake.status().queued > 0) process.kill(process.pid, 'SIGKILL')
  }
}
