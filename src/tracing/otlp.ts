/** Traces, sent by OTLP over HTTP. Loaded only where the setting `traceUrl` names a receiver. */
import {
  type Context,
  defaultTextMapGetter,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { Failure } from '../errors/index.ts'
import type { Attributes, Span, StartOptions, Tracing } from './tracing.ts'

export interface OtlpOptions {
  /** The whole address: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string
  /** How many of a hundred traces that begin here are sent. */
  readonly share: number
  readonly version: string
  /** Called when traces cannot be sent, once a minute at most. */
  readonly onProblem: (error: unknown) => void
}

const SEND_MS = 3_000
const STOP_MS = 4_000
const SAID_EVERY_MS = 60_000
/** Spans that wait to be sent; beyond that they are dropped. */
const WAITING = 4_096
const propagator = new W3CTraceContextPropagator()

export function openOtlp({ url, share, version, onProblem }: OtlpOptions): Tracing {
  let said = Number.NEGATIVE_INFINITY
  setGlobalErrorHandler((problem) => {
    const time = performance.now()
    if (time - said < SAID_EVERY_MS) return
    said = time
    onProblem(problem)
  })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'backtrail', 'service.version': version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share / 100) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url, timeoutMillis: SEND_MS }),
        maxQueueSize: WAITING,
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: SEND_MS,
      }),
    ],
  })
  const tracer = provider.getTracer('backtrail', version)
  return {
    start: (name, how) => {
      const kind = how.kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL
      return new RecordedSpan(tracer, name, contextOf(how), how.attributes ?? {}, kind)
    },
    async stop() {
      const stopped = provider.shutdown().catch(onProblem)
      // A receiver that is away does not keep the server from stopping.
      await Promise.race([stopped, new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref())])
    },
  }
}

function contextOf({ parent, origin }: StartOptions): Context {
  if (parent instanceof RecordedSpan) return parent.context
  return origin?.traceparent === undefined
    ? ROOT_CONTEXT
    : propagator.extract(ROOT_CONTEXT, origin, defaultTextMapGetter)
}

class RecordedSpan implements Span {
  readonly context: Context
  readonly #tracer: Tracer
  readonly #span: OtelSpan

  constructor(tracer: Tracer, name: string, parent: Context, attributes: Attributes, kind: SpanKind) {
    this.#tracer = tracer
    this.#span = tracer.startSpan(name, { kind, attributes: { ...attributes } }, parent)
    this.context = trace.setSpan(parent, this.#span)
  }

  child(name: string, attributes: Attributes = {}): Span {
    return new RecordedSpan(this.#tracer, name, this.context, attributes, SpanKind.INTERNAL)
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes({ ...attributes })
  }

  end(error?: unknown): void {
    if (error !== undefined) {
      this.#span.setAttribute('error.type', typeOf(error))
      this.#span.setStatus({ code: SpanStatusCode.ERROR })
    }
    this.#span.end()
  }
}

function typeOf(error: unknown): string {
  if (error instanceof Failure) return error.code
  return error instanceof Error ? error.name : 'unknown'
}
