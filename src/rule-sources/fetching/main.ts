/**
 * A process that fetches one source and reads its rule files. It is given an order on its standard input and writes one
 * answer; it ends with whoever started it, since its input ends then. What it costs is bounded from outside.
 */
import { Failure, messageOf } from '../../errors/index.ts'
import { openArchive } from './archive-tree.ts'
import { openGit } from './git-tree.ts'
import { openGivenFiles } from './given-files.ts'
import { Network } from './network.ts'
import type { FetchAnswer, FetchOrder } from './order.ts'
import { readRuleTexts } from './rule-texts.ts'

let input = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text: string) => {
  input += text
  if (!input.endsWith('\n')) return
  const order = JSON.parse(input) as FetchOrder
  void fetchSource(order)
    .catch(failed)
    .then((answer) => process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0)))
})
process.stdin.on('end', () => process.exit(0))
// Ctrl-C in a terminal reaches the whole group; who started it decides when it ends.
process.on('SIGINT', () => {})

async function fetchSource(order: FetchOrder): Promise<FetchAnswer> {
  if (order.kind === 'given') {
    const { tree, unreadable: left } = await openGivenFiles(order)
    const { texts, unreadable } = await readRuleTexts(tree, order.folder, order.limits.bytes)
    return { state: 'fetched', version: '', texts, unreadable: [...left, ...unreadable] }
  }
  const network = new Network(order.rules, order.limits.bytes)
  const { version, tree } = order.kind === 'git' ? await openGit(order, network) : await openArchive(order, network)
  if (tree === null) return { state: order.task === 'look' ? 'found' : 'unchanged', version }
  try {
    const { texts, unreadable } = await readRuleTexts(tree, order.folder, order.limits.bytes)
    return { state: 'fetched', version, texts, unreadable }
  } finally {
    tree.close()
  }
}

function failed(error: unknown): FetchAnswer {
  if (error instanceof Failure) return { state: 'failed', code: error.code, message: error.message }
  return { state: 'failed', code: 'source.failed', message: `The source could not be read: ${messageOf(error)}` }
}
