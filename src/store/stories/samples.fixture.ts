import assert from 'node:assert/strict'
import type { ProgramFacts } from '../../programs/index.ts'
import { parseQuery } from '../../query/index.ts'
import { sampleSortKeys } from '../sample-search.ts'
import type { Store } from '../store.ts'
import { byId, digestOf, digestsOf, type Tell } from './telling.fixture.ts'

const newestFirst = { by: 'lastSeen', ascending: false } as const
const oldestFirst = { by: 'firstSeen', ascending: true } as const

const names = ['Report.PDF', 'é_100%.exe', 'É_100%.exe', 'nul\0name', 'a.zip', 'x', 'under_score', '[set]', 'last']
const types = ['PE/Exe', 'PE/.Net/Dll', 'Binary/Archive/Zip', 'Text/HTML', 'Document/PDF', '', 'ELF64', 'PE+/Exe', 'x']

export async function arriving(store: Store, tell: Tell) {
  const { samples, arrivals, members, tags, intake, newNames, reanalyses, retention } = store
  const added = await samples.add(
    names.map((name, at) => ({ name: name.replace('\0', ''), size: 100 * (at + 1), ...digestsOf(`s${at}`) })),
    1_000,
  )
  tell('added', added)
  await arrivals.add(
    names.map((name, at) => ({
      ...{ sampleId: at + 1, userId: (at % 3) + 1, name, comment: null },
      ...{
        source: at % 2 ? ('member' as const) : ('upload' as const),
        folder: at % 2 ? `dir/${at}` : null,
        owner: null,
      },
    })),
    1_000,
  )
  await arrivals.add(
    Array.from({ length: 70 }, (_, at) => ({
      ...{ sampleId: 2, userId: 1, name: `copy ${at % 66}`, comment: 'c' },
      ...{ source: 'ingest' as const, folder: 'f', owner: at % 2 ? 'root' : null },
    })),
    2_000,
  )
  tell('names', await arrivals.names([1, 2, 3, 99]))
  tell('all names', [...(await arrivals.allNames([1, 3]))].length)
  tell('many names', (await arrivals.allNames([2])).get(2))
  tell('sightings', await arrivals.list(2, 3))
  tell('first names', await arrivals.firstNames([1, 2], 2))
  tell('of user', await arrivals.findOfUser(digestOf('sha1', 's0').toHex(), 1))
  tell('sent', [
    await arrivals.listSent(1, null, 3),
    await arrivals.listSent(1, 12, 5),
    await arrivals.listSent(99, null, 5),
  ])
  await arrivals.rename(1, 1, 'Report.PDF', { name: 'Report 2.pdf', folder: 'g' })
  tell('has', [await arrivals.hasNamed(1, 1, 'Report.PDF'), await arrivals.hasNamed(1, 1, 'Report 2.pdf')])
  tell('renamed', [
    ...(await newNames.addRenamed([
      { sampleId: 1, name: 'Report 2.pdf', folder: 'g', owner: '' },
      { sampleId: 2, name: 'copy 1', folder: 'f', owner: 'root' },
      { sampleId: 3, name: 'another', folder: '', owner: '' },
      { sampleId: 3, name: 'a third', folder: '', owner: '' },
    ])),
  ])
  await newNames.add(3)
  tell('again', [...(await newNames.addRenamed([{ sampleId: 3, name: 'x', folder: '', owner: '' }]))])
  for (const [archive, path, child] of [
    [5, 'b', 6],
    [5, 'B', 7],
    [5, 'a', 2],
    [8, 'in', 5],
    [77, 'x', 1],
    [5, 'b', 6],
  ] as const)
    tell('member', await members.add(archive, path, child))
  tell('queue', [await intake.queue(), await intake.next({ after: 7 }, 3)])
  const complete = names.map((_, at) => ({
    ...{
      id: at + 1,
      processedAt: at === 8 ? null : 5_000 + at,
      fileType: types[at] ?? '',
      typeDescription: `t\0${at}`,
    },
    ...{ note: at === 1 ? 'noted' : null, keepsNote: at === 2, isArchive: at === 4, segment: null },
  }))
  await samples.setNote(3, 'kept')
  await intake.complete(complete)
  tell('notes', [await samples.noteOf(2), await samples.noteOf(3)])
  tell('sample', byId([...(await samples.findByIds([1, 2, 3, 5, 9])).values()]))
  tell('processed', await newNames.findProcessed(5))
  await newNames.delete([3])
  tell('empty', await newNames.isEmpty())
  tell('members', [
    await members.count(5),
    await members.list(5, { offset: 0, limit: 5 }),
    await members.archivesOf(2, 5),
  ])
  tell('unsent members', [...(await retention.findUnsentMembers([1, 2, 6, 7, 8, 99]))].sort())
  tell('unsent', (await members.findUnsent([5])).map(({ member, archive }) => `${member} ${archive}`).sort())
  tell('other archives', (await members.findOtherArchives([2, 6])).sort())
  await members.recount([8])
  tell('reanalyses', [await reanalyses.add([2, 1, 99]), await reanalyses.add([1, 3])])
  tell('oldest', [(await reanalyses.findOldest(5)).map(({ id }) => id), await reanalyses.findWaiting([1, 9])])
  await reanalyses.delete([1, 2])
  await tags.add(1, ['b', 'B', 'é', 'a_b'])
  await tags.add(2, ['b', 'a%'])
  await tags.add(2, ['b'])
  await tags.add(2, [])
  await tags.remove(1, ['nothing'])
  for (const part of ['B', 'a', '_', '%', 'É', 'none']) tell(`tags with ${part}`, await tags.findLike(part, 3))
  tell('first tag', await tags.findLike('', 1))
  tell('tags', [await tags.list(1, 9), await tags.listOfEach([1, 2], 2)])
}

export async function finding({ samples, programs, tlsh, sampleSearch, corpus }: Store, tell: Tell): Promise<void> {
  const nothing = { isReproducible: false, entry: null, subsystem: null, richHash: null, sections: null, imports: null }
  const neither = { importedFunctions: null, exports: null, signers: null, pdb: null, buildId: null, overlay: null }
  const facts = (imphash: string): ProgramFacts => ({
    ...{ format: 'PE32', machines: ['x\0'], compiled: 1_000, imphash, version: {}, resources: null, dotnet: null },
    ...{ ...nothing, ...neither },
  })
  await programs.record([
    { sample: 1, facts: facts('ABCdef') },
    { sample: 2, facts: facts('other') },
    { sample: 2, facts: facts('ABCDEF00') },
    { sample: 99, facts: facts('gone') },
  ])
  tell('programs', [await programs.find(1), await programs.find(99), await programs.imphashesOf([1, 2, 99])])
  const signed = await programs.signersOf([1, 2, 99])
  const signers = [...signed].flatMap(([sample, each]) => each.map(({ field, value }) => `${sample} ${field} ${value}`))
  tell('signers', signers.sort())
  const digest = (first: number) => Buffer.alloc(35, 0xab).fill(first, 0, 1)
  await tlsh.enqueue([])
  await tlsh.enqueue([3, 1, 2, 99])
  await tlsh.enqueue([3, 4])
  tell('to compute', [await tlsh.findToCompute(2), await tlsh.findToCompute(9)])
  await tlsh.record([
    { sample: 1, digest: digest(0xff) },
    { sample: 2, digest: null },
    { sample: 3, digest: digest(0x1a) },
    { sample: 99, digest: digest(1) },
  ])
  await tlsh.enqueue([1, 2])
  tell('left to compute', await tlsh.findToCompute(9))
  await tlsh.record([{ sample: 3, digest: digest(0xfe) }])
  tell('tlsh', [await tlsh.find(1), await tlsh.find(2), await tlsh.find(3), await tlsh.find(99)])
  await programs.record([])
  await programs.markRead([1])
  tell('to read', await programs.findToRead(3))
  const queries = [
    ...[
      'name:*.exe',
      'name:É_*',
      'name:é_*',
      'name:REPORT*',
      'name:a_b',
      'name:*100%*',
      'name:copy?1',
      'name:nul*name',
    ],
    ...[
      'type:pe',
      'type:"PE/Exe"',
      'type:Text*',
      'tag:b',
      'tag:B',
      'tag:a*',
      'size:>=300',
      'size:<300',
      'classification:unknown',
    ],
    ...['tlsh:T1FE*', 'tlsh:t1f*', 'tlsh:ff', 'NOT tlsh:F*', `tlsh:T1FF${'AB'.repeat(34)}`],
    ...['imphash:abcdef', 'imphash:ABC*', 'imphash:ab?def', `sha1:${digestOf('sha1', 's3').toHex()}`],
    ...[
      digestOf('md5', 's2').toHex(),
      `parent:${digestOf('sha1', 's4').toHex()}`,
      'folder:dir*',
      'owner:ROOT',
      'sender:anna',
      'source:upload',
      'source:M*',
    ],
    ...[
      'ruleset:alpha',
      'rule:R*',
      'threat:*',
      'filecount:>0',
      'compiled:<2030-01-01',
      'NOT tag:b',
      'tag:b OR type:elf*',
    ],
    ...['firstseen:>1970-01-01', 'lastseen:<2030-01-01 AND type:PE', 'riskscore:>1', 'NOT riskscore:>1'],
  ]
  for (const query of queries) {
    const { condition, problem } = parseQuery(query)
    assert.equal(problem, null, query)
    for (const order of [newestFirst, oldestFirst]) {
      const walk = { limit: 4, after: null, order, budgetMs: 60_000 }
      const first = await sampleSearch.find(condition, walk)
      tell(`${query} by ${order.by}`, [first, await sampleSearch.find(condition, { ...walk, after: first.next })])
    }
    tell(`count of ${query}`, await sampleSearch.count(condition))
  }
  const unknown = parseQuery('size:>=300 AND NOT tag:b').condition
  assert.ok(unknown !== null)
  tell('fulfilling', [...(await sampleSearch.fulfilling(unknown, [1, 2, 3, 9, 99]))].sort())
  tell('everything', await sampleSearch.count(null))
  for (const by of sampleSortKeys)
    for (const ascending of [true, false])
      tell(`by ${by} ${ascending}`, await sampleSearch.sort([1, 2, 3, 4, 5, 6, 7, 8, 9], by, ascending))
  tell('containers', [await sampleSearch.containersOf(6), await sampleSearch.containersOf(1)])
  tell('types', await sampleSearch.fileTypes())

  tell('totals', await samples.totals())
  tell('ids', [
    [...(await corpus.processedIds(0, 6))],
    await corpus.count(2, 6),
    await corpus.count(0, 9),
    await corpus.lastId(),
  ])
  tell('whole', [await corpus.whole(), await corpus.countListed(), await corpus.countStoredBelow(5)])
  tell('sizes', byId(await corpus.sizes(2, 4)))
  tell('to scan', [byId(await corpus.findToScan([1, 9, 2])), await corpus.findNames([3, 1])])
  tell('covered', [...(await corpus.covered({ since: 5_003, upTo: 9, maxBytes: 10_000 }))])
  for (const selection of [
    { query: 'size:>100 NOT tag:b OR name:rep*' },
    { query: 'size:' },
    { namePattern: '*.EXE' },
    { namePattern: 'É*' },
    { namePattern: '?_100%.*' },
    { namePattern: '[SET]' },
    { namePattern: 'under_score' },
    { namePattern: '*\0*' },
    { fileTypes: ['PE', 'Binary/Archive'] },
    { tags: ['b'], minSize: 150 },
    { hashes: [digestOf('md5', 's1').toHex(), digestOf('sha512', 's2').toHex()] },
    { classifications: [0, 1], firstSeenFrom: 1, lastSeenTo: 5_000, maxSize: 400 },
    { fileTypes: [] },
    { hashes: [] },
  ] as const)
    tell(`select ${JSON.stringify(selection)}`, await corpus.select(selection, 1, 9))

  const sha256 = digestOf('sha256', 's3')
  tell('stored', [
    await samples.exists(3),
    await samples.isStored(sha256),
    await samples.sha1Of(4),
    await samples.lastId(),
  ])
  tell('known', [await samples.findKnown([sha256]), await samples.findKnown([])])
  await samples.seeAgain(4, 9_999, 'seen again')
  await samples.seeAgain(4, 5, null)
  await samples.rename(4, 'seen again', 'named')
  await samples.rename(4, 'not so', 'no')
  tell('next stored', await samples.nextStored(3))
  tell('by digests', [...(await samples.findByDigests('md5', [digestOf('md5', 's3'), digestOf('md5', 'no')]))])
  tell('arrived', [
    await samples.countArrived(0, 1_001),
    await samples.countArrived(0, 1_000),
    await samples.countContents(),
  ])
  const contents = []
  for (const first of new Set(names.map((_, at) => digestOf('sha256', `s${at}`)[0] ?? 0)))
    contents.push(...(await samples.listContents(first, null, 10)))
  tell('contents', contents)
  tell('behind', await samples.listContents(sha256[0] ?? 0, sha256, 10))
  tell('content of', [await samples.isContentOf(4, sha256), await samples.isContentOf(3, sha256)])
  tell(
    'contents of',
    (await samples.contentsOf([1, 99])).map((digest) => digest.toHex()),
  )
  tell('by sha1', [await samples.findBySha1([digestOf('sha1', 's3')]), await samples.findBySha1([])])
}
