/** Where events go: the standard error output, as JSON lines for machines or as short lines for people. */
import type { FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import { messageOf, traceOf } from '../errors/index.ts'
import type { Settings } from '../settings/index.ts'

/** Keys whose values must not be logged, wherever they stand. */
const secrets = ['password', 'token', 'authorization', 'cookie'].flatMap((key) => [key, `*.${key}`, `*.*.${key}`])

export function openLog({ logLevel, logFormat }: Pick<Settings, 'logLevel' | 'logFormat'>): FastifyBaseLogger {
  const isText = logFormat === 'text' || (logFormat === 'auto' && process.stderr.isTTY)
  return pino(
    {
      level: logLevel,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: errorJson },
      formatters: { level: (label) => ({ level: label }), log: withErrors },
      redact: { paths: secrets, censor: '…' },
    },
    isText ? { write: (line: string) => process.stderr.write(textOf(line)) } : pino.destination({ fd: 2, sync: true }),
  )
}

/** What was thrown, with all that caused it: JSON of an error alone is `{}`. */
function errorJson(thrown: unknown): object {
  const { name, code } = thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : {}
  return {
    type: name ?? typeof thrown,
    message: messageOf(thrown),
    ...(code !== undefined && { code }),
    stack: traceOf(thrown),
  }
}

/** For the lines of libraries, which know nothing of our key for errors. */
function withErrors(particulars: Record<string, unknown>): Record<string, unknown> {
  const wrong = Object.entries(particulars).filter(([key, value]) => key !== 'err' && value instanceof Error)
  if (wrong.length === 0) return particulars
  return { ...particulars, ...Object.fromEntries(wrong.map(([key, value]) => [key, errorJson(value)])) }
}

/** `12:00:01 info  a sample was stored  sample=7 size=1234` of an event's JSON line. */
export function textOf(line: string): string {
  const { level, time, msg, err, ...particulars } = JSON.parse(line)
  const fields = Object.entries(particulars).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const trace = err ? `\n${err.stack}` : ''
  return `${[String(time).slice(11, 19), String(level).padEnd(5), msg, '', ...fields].join(' ').trimEnd()}${trace}\n`
}
