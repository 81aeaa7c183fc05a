import { choice, path, size, text, webAddress } from './kinds.ts'
import { option } from './option.ts'

const GB = 1 << 30

/** Where rows, samples and index are, when that is not the data folder. */
export const clusterOptions = {
  database: option({
    kind: text('url', 'an address that starts with postgres:// or postgresql://'),
    default: '',
    formatDefault: 'none: SQLite in the data folder',
    about:
      'The PostgreSQL database that holds all rows, such as postgres://backtrail@db.example/backtrail?sslmode=verify-full; needs --store too.',
  }),
  databasePasswordFile: option({
    kind: path('file'),
    default: '',
    formatDefault: 'none: that of the address, or PGPASSWORD or PGPASSFILE in the environment',
    about: 'A file with the password for that database as its first line.',
  }),
  store: option({
    kind: text('url', 'an address that starts with s3://'),
    default: '',
    formatDefault: 'none: files in the data folder',
    about: 'The bucket, and a prefix in it, that hold samples and index: s3://bucket/prefix; needs --database too.',
  }),
  storeEndpoint: option({
    kind: text('url', 'an address that starts with http:// or https://'),
    default: '',
    formatDefault: 'that of AWS',
    about: 'The address of the object store.',
  }),
  storeRegion: option({
    kind: text('name', 'the name of a region'),
    default: 'us-east-1',
    about: 'The region of the bucket, which every request is signed for.',
  }),
  storePathStyle: option({
    kind: choice('on|off', 'on', 'off'),
    default: 'off',
    about:
      'Whether the bucket is a step of the path of addresses, as most stores of ones own need it, and not a part of the name of the host.',
  }),
  storeCredentials: option({
    kind: path('file'),
    default: '',
    formatDefault: 'what the AWS tools use: the environment, ~/.aws, or the machine',
    about:
      'A file with the keys for the object store, in the format of ~/.aws/credentials; it is read again when it changes.',
  }),
  storeCa: option({
    kind: path('file'),
    default: '',
    formatDefault: 'the well-known authorities',
    about:
      'Certificates (PEM) of the authorities that the object store is believed by, in place of the well-known ones.',
  }),
  huntWork: option<'shared' | 'nodes'>({
    kind: choice('who', 'shared', 'nodes'),
    default: 'shared',
    about:
      'Who works on hunts while nodes of the cluster run: the server and the nodes, or the nodes alone. Without nodes it is the server.',
  }),
  intakeWork: option<'shared' | 'nodes'>({
    kind: choice('who', 'shared', 'nodes'),
    default: 'shared',
    about:
      'Who examines samples that arrive, and merges the index, while nodes of the cluster run: the server and the nodes, or the nodes alone. Without nodes it is the server.',
  }),
  clusterUrl: option({
    kind: webAddress(),
    default: '',
    formatDefault: 'the address that it listens on, or the first of this machine',
    about: 'Where the other servers of the cluster reach this one: they pass requests on to the one that works.',
  }),
  cacheSize: option({
    kind: size(1 << 20, 1024 * 1024 * GB),
    default: 64 * GB,
    about:
      'How much of the data folder copies of samples and of the index may take, where these are in an object store.',
  }),
} as const
