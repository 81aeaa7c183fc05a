import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../errors/index.ts'
import type { WorkerPool } from '../scanning/index.ts'
import { TextPlans } from './text-parts.ts'

/** Plans each text as its own name; `fails`: the first time it does not. */
function plansOf({ fails = false } = {}): { readonly plans: TextPlans; readonly asked: string[] } {
  const asked: string[] = []
  const run = async (_kind: string, { content }: { readonly content: string }) => {
    asked.push(content)
    await new Promise(setImmediate)
    if (fails && asked.length === 1) throw new Failure('service.stopping')
    return { plan: `plan of ${content}`, parts: null, warnings: [] }
  }
  return { plans: new TextPlans({ run } as unknown as WorkerPool), asked }
}

const { signal } = new AbortController()

test('a text that was begun is planned once, whoever asks meanwhile and afterwards', async () => {
  const { plans, asked } = plansOf()
  plans.begin('a')
  plans.begin('a')
  const both = await Promise.all([plans.of('a', signal), plans.of('a', signal)])
  plans.begin('a')
  assert.deepEqual(
    [...both, await plans.of('a', signal)].map(({ plan }) => plan),
    ['plan of a', 'plan of a', 'plan of a'],
  )
  assert.deepEqual(asked, ['a'])
})

test('where what was begun failed, whoever asks plans anew; a long text is not begun', async () => {
  const { plans, asked } = plansOf({ fails: true })
  plans.begin('a')
  assert.equal((await plans.of('a', signal)).plan, 'plan of a')
  plans.begin('b'.repeat(64 * 1024 + 1))
  assert.deepEqual(asked, ['a', 'a'])
  await assert.rejects(plans.of('c', AbortSignal.abort(new Failure('service.stopping'))), { code: 'service.stopping' })
})
