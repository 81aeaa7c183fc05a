/** A sample's classification: what it is, and a user's own verdict on it. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { classificationNames, type Sample } from '../../samples/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { Flag, HashPath } from '../parameters.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const statuses = {
  400: 'The hash or a parameter is malformed.',
  403: 'No token, or an unknown one.',
  404: 'There is no such sample.',
}

const Classified = Type.Object({
  classification: Type.Enum(['unknown', 'goodware', 'suspicious', 'malicious']),
  riskscore: Type.Union([Type.Integer(), Type.Null()]),
  first_seen: Type.String({ format: 'date-time' }),
  last_seen: Type.String({ format: 'date-time' }),
  classification_result: Type.Union([Type.String(), Type.Null()]),
  classification_reason: Type.Union([Type.String(), Type.Null()]),
  classification_origin: Type.Union([Type.String(), Type.Null()]),
  cloud_last_lookup: Type.Null(),
  data_source: Type.Literal('LOCAL'),
  sha1: Type.String(),
  sha256: Type.Union([Type.String(), Type.Null()]),
  md5: Type.Union([Type.String(), Type.Null()]),
})

const VerdictPath = Type.Object({ ...HashPath.properties, system: Type.Enum(['local', 'ticloud']) })
const Part = Type.Optional(Type.String({ pattern: '^[A-Za-z0-9]{0,32}$', description: 'up to 32 letters and digits' }))
const Verdict = Type.Object({
  classification: Type.Enum(['goodware', 'suspicious', 'malicious']),
  risk_score: Type.Optional(
    Type.String({ pattern: '^(?:10|[0-9])?$', description: '0 to 5 for goodware, else 6 to 10' }),
  ),
  threat_platform: Part,
  threat_type: Part,
  threat_name: Part,
})

const Judged = Type.Object({
  code: Type.Literal(200),
  message: Type.String(),
  detail: Classified,
  classification: Type.String({ description: 'once more, where connectors look' }),
  risk_score: Type.Union([Type.Integer(), Type.Null()]),
  threat_name: Type.Union([Type.String(), Type.Null()]),
})

export function addSampleClassification(app: HttpServer, { appliance: { samples } }: RouteParts): void {
  app.get(
    '/api/samples/v3/:hash/classification/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'getClassification',
        summary: 'Get the classification of a sample',
        params: HashPath,
        querystring: Type.Object({ localonly: Type.Optional(Flag), av_scanners: Type.Optional(Flag) }),
        response: { 200: Classified, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ params }) => classified(await samples.get(params.hash)),
  )

  const verdictStatuses = { ...statuses, 428: 'There is no connection to Spectra Intelligence.' }
  app.post(
    '/api/samples/:hash/setclassification/:system/',
    {
      config: { audit: about('hash', 'system', 'classification'), access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'setClassification',
        summary: 'Set an own classification of a sample',
        params: VerdictPath,
        consumes: ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'],
        body: Verdict,
        response: { 200: Judged, ...refusals(yaraEnvelope, verdictStatuses) },
      },
    },
    async ({ params: { hash, system }, body }) => {
      await samples.get(hash)
      if (system === 'ticloud') throw new Failure('cloud.not-connected')
      const sample = await samples.classify(hash, {
        classification: body.classification === 'goodware' ? 1 : body.classification === 'suspicious' ? 2 : 3,
        ...(body.risk_score ? { riskScore: Number(body.risk_score) } : {}),
        threatName: threatNameOf(body),
      })
      return judged('Sample classified successfully.', sample)
    },
  )
  app.delete(
    '/api/samples/:hash/setclassification/:system/',
    {
      config: { audit: about('hash', 'system'), access: 'account' },
      schema: {
        tags: ['samples'],
        operationId: 'deleteClassification',
        summary: 'Take back the own classification of a sample',
        params: VerdictPath,
        response: { 200: Judged, ...refusals(yaraEnvelope, verdictStatuses) },
      },
    },
    async ({ params: { hash, system } }) => {
      await samples.get(hash)
      if (system === 'ticloud') throw new Failure('cloud.not-connected')
      const sample = await samples.unclassify(hash)
      return judged('Classification deleted successfully.', sample)
    },
  )
}

/** `Platform.Type.Name` with the vendor's defaults; goodware has none. */
function threatNameOf(verdict: Static<typeof Verdict>): string | null {
  if (verdict.classification === 'goodware') return null
  return [verdict.threat_platform || 'Win32', verdict.threat_type || 'Malware', verdict.threat_name || 'Generic'].join(
    '.',
  )
}

function judged(message: string, sample: Sample): Static<typeof Judged> {
  const detail = classified(sample)
  const { classification, riskscore: risk_score, classification_result: threat_name } = detail
  return { code: 200, message, detail, classification, risk_score, threat_name }
}

const reasons: Readonly<Record<string, string>> = { user: 'User classification', rules: 'YARA rules' }

function classified(sample: Sample): Static<typeof Classified> {
  return {
    classification: classificationNames[sample.classification],
    riskscore: sample.riskScore,
    first_seen: toIso(sample.firstSeen),
    last_seen: toIso(sample.lastSeen),
    classification_result: sample.threatName,
    classification_reason: reasons[sample.classificationOrigin ?? ''] ?? null,
    classification_origin: null,
    cloud_last_lookup: null,
    data_source: 'LOCAL',
    sha1: sample.sha1,
    sha256: sample.sha256,
    md5: sample.md5,
  }
}
