// Whether the server of this container is well, for runtimes that ask by a command. Where it listens is in the environment, as
// for the server; who answers on the container's own address needs no certificate that is valid elsewhere.
import http from 'node:http'
import https from 'node:https'

const { BACKTRAIL_PORT = '8080', BACKTRAIL_HOST = '0.0.0.0', BACKTRAIL_TLS_CERT = '' } = process.env
const host = BACKTRAIL_HOST === '0.0.0.0' ? '127.0.0.1' : BACKTRAIL_HOST === '::' ? '::1' : BACKTRAIL_HOST
const client = BACKTRAIL_TLS_CERT === '' ? http : https
client
  .get({ host, port: BACKTRAIL_PORT, path: '/healthz', timeout: 8_000, rejectUnauthorized: false }, (answer) => {
    answer.resume().once('end', () => process.exit(answer.statusCode === 200 ? 0 : 1))
  })
  .once('timeout', () => process.exit(1))
  .once('error', ({ message }) => {
    console.error(message)
    process.exit(1)
  })
