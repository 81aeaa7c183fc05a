/** What this folder says to operators goes through here; pino's logger fits. */
export interface Log {
  info(particulars: object, message: string): void
  warn(particulars: object, message: string): void
  error(particulars: object, message: string): void
}
