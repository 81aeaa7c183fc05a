import { peMachines, peSubsystems } from '../identification/index.ts'
import { attempt, ByteReader } from './byte-reader.ts'
import { MOST_SECTIONS, noProgramFacts, type ProgramFacts } from './facts.ts'
import { readDebug } from './pe-debug.ts'
import { readDotnet } from './pe-dotnet.ts'
import { readExports } from './pe-exports.ts'
import { DIRECTORY, PeImage } from './pe-image.ts'
import { importHash, readImports } from './pe-imports.ts'
import { readResources } from './pe-resources.ts'
import { richHashOf } from './pe-rich.ts'
import { readSigners } from './pe-signers.ts'
import { readVersion } from './pe-version.ts'
import { EntropyMeter } from './section-entropy.ts'

/** A program of Windows; null for what is none. Each directory that cannot be read leaves the others as they are. */
export function readPe(bytes: Buffer): ProgramFacts | null {
  const image = attempt(() => PeImage.of(new ByteReader(bytes)))
  if (image === null) return null
  const imports = attempt(() => readImports(image))
  const debug = attempt(() => readDebug(image))
  return {
    ...noProgramFacts(image.isPlus ? 'PE32+' : 'PE32'),
    machines: [peMachines[image.machine] ?? `0x${image.machine.toString(16)}`],
    compiled: image.timestamp === 0 ? null : image.timestamp,
    isReproducible: debug?.isReproducible ?? false,
    entry: image.entry,
    subsystem: peSubsystems[image.subsystem] ?? null,
    imphash: imports && importHash(imports.libraries),
    richHash: attempt(() => richHashOf(image)),
    sections: sectionsOf(image, bytes),
    imports: imports?.listed ?? null,
    importedFunctions: imports?.functions ?? null,
    exports: attempt(() => readExports(image)),
    signers: attempt(() => readSigners(image)),
    version: attempt(() => readVersion(image)) ?? {},
    pdb: debug?.pdb ?? null,
    buildId: debug?.id ?? null,
    overlay: overlayOf(image, bytes),
    resources: image.directory(DIRECTORY.resources) === null ? none : attempt(() => readResources(image)),
    dotnet: attempt(() => readDotnet(image)),
  }
}

const none = { count: 0, first: [] }

function sectionsOf(image: PeImage, bytes: Buffer): ProgramFacts['sections'] {
  const meter = new EntropyMeter(bytes)
  const first = image.sections.slice(0, MOST_SECTIONS).map(({ name, size, virtualSize, offset }) => ({
    name,
    size,
    virtualSize,
    entropy: meter.measure(offset, size),
  }))
  return { count: image.sections.length, first }
}

/** As the engine counts: what lies behind the last section, certificates included. */
function overlayOf(image: PeImage, bytes: Buffer): ProgramFacts['overlay'] {
  const end = image.sections.reduce((most, { offset, size }) => Math.max(most, offset + size), 0)
  return end > 0 && end < bytes.length ? { offset: end, size: bytes.length - end } : null
}
