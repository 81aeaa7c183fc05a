/**
 * What nodes answer about samples, held to what they were asked. Nodes read hostile files, and may be of anybody who can write
 * to the database; what they say ends in the index and in pages.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { SignatureView } from '../index/index.ts'
import type { JobOutput, SampleToExamine } from '../jobs/index.ts'
import type { ImportedLibrary, ProgramFacts, ResourceKind, Section, Signer } from '../programs/index.ts'
import type { Identification, RuleHit, ScanError, TaskOutput } from '../scanning/index.ts'

type Found = TaskOutput<'examine'>

/** Every field of `T`, and no other: the compiler holds these shapes to what workers give. */
type Fields<T> = { readonly [K in keyof T]-?: TSchema }
const shapeOf = <F extends Readonly<Record<string, TSchema>>>(fields: F) =>
  Type.Object(fields, { additionalProperties: false })
const orNull = <T extends TSchema>(type: T) => Type.Union([type, Type.Null()])
/** Longer ones than any list of facts. */
const listOf = <T extends TSchema>(type: T) => Type.Array(type, { maxItems: 256 })
const listed = <T extends TSchema>(type: T) => orNull(shapeOf({ count: Type.Number(), first: listOf(type) }))
const Text = Type.String({ maxLength: 64 * 1024 })

const sectionFields = {
  name: Text,
  size: Type.Number(),
  virtualSize: Type.Number(),
  entropy: orNull(Type.Number()),
} satisfies Fields<Section>
const libraryFields = { name: Text, functions: orNull(Type.Number()) } satisfies Fields<ImportedLibrary>
const signerFields = { subject: Text, issuer: Text, serial: Text } satisfies Fields<Signer>
const resourceFields = { type: Text, count: Type.Number(), bytes: Type.Number() } satisfies Fields<ResourceKind>

const programFields = {
  format: Type.Enum(['PE32', 'PE32+', 'ELF32', 'ELF64', 'Mach-O 32', 'Mach-O 64', 'Mach-O universal']),
  machines: listOf(Text),
  compiled: orNull(Type.Number()),
  isReproducible: Type.Boolean(),
  entry: orNull(Type.Number()),
  subsystem: orNull(Text),
  imphash: orNull(Text),
  richHash: orNull(Text),
  sections: listed(shapeOf(sectionFields)),
  imports: listed(shapeOf(libraryFields)),
  importedFunctions: orNull(Type.Number()),
  exports: listed(Text),
  signers: orNull(listOf(shapeOf(signerFields))),
  version: Type.Record(Type.String(), Text, { maxProperties: 256 }),
  pdb: orNull(Text),
  buildId: orNull(Text),
  overlay: orNull(shapeOf({ offset: Type.Number(), size: Type.Number() })),
  resources: listed(shapeOf(resourceFields)),
  dotnet: orNull(shapeOf({ version: Text, module: orNull(Text), mvid: orNull(Text) })),
} satisfies Fields<ProgramFacts>

const AtLeast0 = Type.Integer({ minimum: 0 })
const stringFields = {
  identifier: Text,
  offset: AtLeast0,
  length: AtLeast0,
  context: Type.Unknown(),
  contextStart: AtLeast0,
} satisfies Fields<RuleHit['strings'][number]>

const hitFields = {
  ruleset: Text,
  rule: Text,
  tags: Type.Array(Text),
  meta: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  strings: Type.Array(shapeOf(stringFields)),
  name: Type.Optional(Text),
  otherNames: Type.Optional(listOf(Text)),
} satisfies Fields<RuleHit>

const errorFields = {
  ruleset: Text,
  reason: Type.Enum(['timeout', 'crash', 'memory', 'engine', 'quarantine', 'module', 'unreadable']),
  message: Text,
} satisfies Fields<ScanError>

const identificationFields = {
  fileType: Text,
  description: Text,
  isArchive: Type.Boolean(),
  holdsArchive: Type.Optional(Type.Boolean()),
} satisfies Fields<Identification>

const FoundShape = shapeOf({
  identification: shapeOf(identificationFields),
  signature: Type.Unknown(),
  program: orNull(shapeOf(programFields)),
  hits: Type.Array(shapeOf(hitFields)),
  errors: Type.Array(shapeOf(errorFields)),
} satisfies Fields<Found>)

/** In the order of the items, with null for those that were not examined; null where any of it cannot be what was asked. */
export async function readAnswer(
  answer: JobOutput<'examine'>,
  items: readonly SampleToExamine[],
  rulesets: ReadonlySet<string>,
): Promise<readonly (Found | null)[] | null> {
  const found: unknown = answer?.found
  if (!Array.isArray(found) || found.length !== items.length) return null
  const { Value } = await import('typebox/value')
  const isSound = found.every(
    (one, n) => one === null || (Value.Check(FoundShape, one) && isAbout(one, items[n] as SampleToExamine, rulesets)),
  )
  return isSound ? (found as readonly (Found | null)[]) : null
}

/** Whether it is about this sample, and these rulesets. */
function isAbout(
  found: Static<typeof FoundShape>,
  { digests, scan, without }: SampleToExamine,
  rulesets: ReadonlySet<string>,
): boolean {
  const { signature, hits, errors, program } = found
  const named = [...hits, ...errors].map(({ ruleset }) => ruleset)
  if (!named.every((key) => rulesets.has(key) && !without.includes(key))) return false
  if (!scan && (named.length > 0 || program !== null)) return false
  const contexts = hits.flatMap(({ strings }) => strings.map(({ context }) => context))
  if (!contexts.every((context) => context instanceof Uint8Array && context.length <= MOST_CONTEXT)) return false
  return signature instanceof Uint8Array && isSignatureOf(signature, digests)
}

/** Bytes of a string's match, and beside it. */
const MOST_CONTEXT = 64

function isSignatureOf(record: Uint8Array, digests: SampleToExamine['digests']): boolean {
  try {
    const { size, sha256, sha1, md5 } = SignatureView.of(record)
    const same = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0
    return size === digests.size && same(sha256, digests.sha256) && same(sha1, digests.sha1) && same(md5, digests.md5)
  } catch {
    return false
  }
}
