/** Why a connection to a host failed, as a part of a sentence. */
export function whyUnreachable(error: unknown, { host, hostname }: Pick<URL, 'host' | 'hostname'>): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  const sentences: Readonly<Record<string, string>> = {
    ECONNREFUSED: `${host} refuses connections`,
    ENOTFOUND: `there is no host named ${hostname}`,
    EAI_AGAIN: `the name ${hostname} cannot be looked up now`,
    ECONNRESET: 'the connection was cut',
    ETIMEDOUT: `${host} does not answer`,
    EHOSTUNREACH: `there is no way to ${host}`,
    ENETUNREACH: `there is no way to ${host}`,
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ALTNAME/.test(code)) return `its certificate is not trusted (${code})`
  return sentences[code] ?? (message === '' ? code : message)
}
