/**
 * A process that works on a data folder until it is killed: `node scratch.fixture.ts FOLDER`. It stages a file, stores two
 * contents whose rows are never committed, and has stored a third; then it says `ready`.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { FileContents, Scratch } from './index.ts'

const [, , folder = ''] = process.argv
const scratch = await Scratch.open(folder)
const contents = await FileContents.open(folder, scratch)
const staged = (text: string) => {
  const temporary = scratch.fresh()
  writeFileSync(temporary, text)
  return { temporary, sha256: createHash('sha256').update(text).digest(), synced: false }
}
await contents.put([staged('settled')], async () => {})
staged('cut short')
void contents.put([staged('one'), staged('two')], () => {
  process.stdout.write('ready\n')
  return new Promise(() => setInterval(() => {}, 1_000))
})
