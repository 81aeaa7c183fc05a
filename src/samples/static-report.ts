import type { Classification } from '../store/index.ts'
import type { HashKind } from './hash.ts'
import { classificationNames, factorOf, type ListedSample } from './listed-sample.ts'

/** The vendor's report of a static analysis, without the sections that this appliance has nothing for. */
export interface StaticReport {
  readonly info: {
    readonly file: {
      readonly file_type: string
      readonly file_subtype: string
      readonly size: number
      readonly hashes: readonly { readonly name: HashKind; readonly value: string }[]
    }
    /** Only where the format has a name of its own, as that of an archive. */
    readonly identification?: { readonly success: true; readonly name: string }
  }
  readonly classification: {
    readonly classification: Classification
    readonly factor: number
    /** The risk score; 0 where there is none. */
    readonly rca_factor: number
    /** The name of the threat, empty without one. */
    readonly result: string
  }
}

const kinds = ['md5', 'sha1', 'sha256', 'sha512'] as const satisfies readonly HashKind[]

export function staticReport(sample: ListedSample): StaticReport {
  const { file_type, file_subtype, file_size: size, identification_name: name } = sample
  const hashes = kinds.flatMap((kind) => {
    const value = sample[kind]
    return value === null ? [] : [{ name: kind, value }]
  })
  return {
    info: {
      file: { file_type, file_subtype, size, hashes },
      ...(name !== '' && { identification: { success: true, name } }),
    },
    classification: {
      classification: classificationNames.indexOf(sample.classification) as Classification,
      factor: factorOf(sample),
      rca_factor: sample.riskscore ?? 0,
      result: sample.threat_name ?? '',
    },
  }
}
