/**
 * The protocol's two ways to write a time. Both are in UTC and to the second; here times are whole seconds since 1970.
 */

/** `2023-05-18T11:30:35`: without a zone and without a fraction. */
export function toPlainTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19)
}

/** Null for anything else, a day that no month has included. */
export function fromPlainTime(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(text)) return null
  const milliseconds = Date.parse(`${text}Z`)
  return Number.isNaN(milliseconds) || toPlainTime(milliseconds / 1000) !== text ? null : milliseconds / 1000
}

/** `Thu, 18 May 2023 11:30:35 +0000`, as in mail (RFC 2822). */
export function toMailTime(seconds: number): string {
  return new Date(seconds * 1000).toUTCString().replace('GMT', '+0000')
}

/** Null for what is no such time. */
export function fromMailTime(text: string): number | null {
  const milliseconds = /^[A-Z][a-z]{2}, \d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(milliseconds) ? null : milliseconds / 1000
}
