/** Traces of requests and hunts, for those who collect them (OpenTelemetry); off unless a setting says where they go. */
import type { Settings } from '../settings/index.ts'
import type { OtlpOptions } from './otlp.ts'
import { noTracing, type Tracing } from './tracing.ts'

export { type Attributes, noTracing, type Span, type Tracing, within } from './tracing.ts'

/** An empty `traceUrl` traces nothing, and loads nothing for it. */
export async function openTracing(
  { traceUrl: url, traceShare: share }: Pick<Settings, 'traceUrl' | 'traceShare'>,
  version: string,
  onProblem: OtlpOptions['onProblem'],
): Promise<Tracing> {
  if (url === '') return noTracing
  const { openOtlp } = await import('./otlp.ts')
  return openOtlp({ url, share, version, onProblem })
}
