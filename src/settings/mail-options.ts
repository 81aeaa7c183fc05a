/** Options of the server that passes mails on. */
import { hosts, path, text } from './kinds.ts'
import { option } from './option.ts'

export const mailOptions = {
  mailServer: option({
    kind: text('url', 'an address that starts with smtps:// or smtp://'),
    default: '',
    formatDefault: 'none: no mails are sent',
    about:
      'The server that passes mails on, with the user name it wants, if any: smtp://backtrail@mail.example.com:587. smtp:// is encrypted with STARTTLS, unless the server is on the same machine.',
  }),
  mailPasswordFile: option({
    kind: path('file'),
    default: '',
    formatDefault: 'none',
    about: 'A file with the password for the mail server as its first line.',
  }),
  mailCa: option({
    kind: path('file'),
    default: '',
    formatDefault: 'the well-known authorities',
    about:
      'Certificates (PEM) of the authorities that the mail server is believed by, in place of the well-known ones.',
  }),
  mailFrom: option({
    kind: text('address', 'an e-mail address'),
    default: '',
    formatDefault: 'none',
    about: 'The e-mail address that mails come from.',
  }),
  mailDomains: option({
    kind: hosts(),
    default: ['*'],
    about: 'The domains that mails may be sent to.',
  }),
} as const
