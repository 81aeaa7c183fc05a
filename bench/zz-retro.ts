import { existsSync } from 'node:fs'
import { hunt } from './ad-hoc-hunt.ts'
import { binaries, publicRules, systemFiles } from './corpus.ts'
import { command, RunningServer } from './running-server.ts'

const data = process.argv[2] as string
const rules = publicRules()
if (!existsSync(data)) {
  const corpora = [systemFiles(2000), binaries()]
  const { seconds, processorSeconds } = command(['ingest', ...corpora.map(({ folder }) => folder), '--data', data], {
    BACKTRAIL_ARCHIVE_DEPTH: '0',
  })
  console.log('ingest', seconds.toFixed(1), 'cpu', processorSeconds.toFixed(1))
  command(['rules', 'import', rules.folder, '--data', data])
}
const server = await RunningServer.start(data)
await server.settledIndex()
async function localRetro() {
  const begin = performance.now()
  await server.call('POST', '/api/uploads/local-retro-hunt/', { operation: 'START' })
  for (;;) {
    const { status } = await server.call<{ status: { state: string } }>('GET', '/api/uploads/local-retro-hunt/')
    if (status.state === 'COMPLETED') return performance.now() - begin
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
for (let n = 0; n < Number(process.argv[3] ?? 8); n++) console.log('retro', (await localRetro()).toFixed(0))
const singles = []
for (const file of rules.files.slice(0, 40)) singles.push((await hunt(server, [file], true)).seconds)
singles.sort((a, b) => a - b)
console.log('single median', singles[20], 'p90', singles[36])
await server.stop()
