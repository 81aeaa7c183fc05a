/** Numbers and words of our own: never names, texts or secrets of users. */
export type Attributes = Readonly<Record<string, string | number | boolean>>

/** A piece of work in a trace: when it began and ended, and what it was part of. */
export interface Span {
  child(name: string, attributes?: Attributes): Span
  set(attributes: Attributes): void
  /** Of what failed, its code or its class is kept: a message may have a text in it. */
  end(error?: unknown): void
}

/** Where a piece of work comes from: the headers of W3C Trace Context, as a client sent them. */
export interface Origin {
  readonly traceparent: string | undefined
  readonly tracestate: string | undefined
}

export interface Tracing {
  /** Begins a trace, or goes on with that of `origin` or `parent`. Null where nothing is traced. */
  start(name: string, how: StartOptions): Span | null
  /** Sends what has ended. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** `server`: it answers a request from outside. */
  readonly kind: 'server' | 'internal'
  readonly attributes?: Attributes
  readonly origin?: Origin
  readonly parent?: Span | null
}

export const noTracing: Tracing = { start: () => null, stop: async () => {} }

/** Does a piece of work as a part of another one; without that, as it is. */
export async function within<T>(
  parent: Span | null | undefined,
  name: string,
  attributes: Attributes,
  work: (span: Span | null) => Promise<T>,
): Promise<T> {
  const span = parent?.child(name, attributes) ?? null
  try {
    const result = await work(span)
    span?.end()
    return result
  } catch (error) {
    span?.end(error)
    throw error
  }
}
