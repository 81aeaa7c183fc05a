/**
 * Every expected failure: its code, the HTTP status it is answered with, and what it says when nothing more particular
 * is known. A message names what happened and what to do. `docs/api.md` lists the same table; a test compares the two.
 */
export const catalogue = {
  'request.malformed': {
    status: 400,
    message: 'The request could not be understood; check its body and content type.',
  },
  'request.timeout': { status: 408, message: 'The request did not arrive in time; send it again.' },
  'request.too-large': { status: 413, message: 'The request is larger than this appliance accepts.' },
  'request.uri-too-long': { status: 414, message: 'A part of the address is longer than anything it could name.' },
  'request.media-type': {
    status: 415,
    message: 'The body must be urlencoded, multipart form data or JSON, and its Content-Type must say so.',
  },
  'request.range': { status: 416, message: 'The file has no bytes in the range that was asked for.' },
  'request.throttled': { status: 429, message: 'Too many requests from this address; wait and try again.' },
  'request.headers-too-large': { status: 431, message: 'The headers of the request are too large.' },
  'path.unknown': { status: 404, message: 'There is nothing at this address; /api/docs/ lists what there is.' },
  'method.not-allowed': {
    status: 405,
    message: 'This address does not take that method; the header Allow lists its methods.',
  },
  'server.failed': {
    status: 500,
    message: 'The server failed to do this; its operator finds the reason in the log under the request id.',
  },
  'parameter.out-of-range': { status: 400, message: 'Parameter not in expected range' },
  'page.beyond-end': { status: 400, message: 'Parameter not in expected range: there is no such page.' },
  'query.malformed': { status: 400, message: 'The query cannot be understood.' },
  'hash.malformed': {
    status: 400,
    message: 'A hash must be the 32, 40, 64 or 128 hexadecimal digits of an MD5, SHA-1, SHA-256 or SHA-512.',
  },
  'credentials.missing': { status: 403, message: 'Authentication credentials were not provided.' },
  'credentials.invalid': { status: 403, message: 'Invalid token.' },
  'credentials.session-ended': { status: 403, message: 'The session has ended; log in again.' },
  'credentials.foreign-page': {
    status: 403,
    message:
      'A request that comes with a session’s cookie must carry the header X-Backtrail-Page; scripts use a token.',
  },
  'login.refused': { status: 400, message: 'Unable to log in with provided credentials.' },
  'login.throttled': { status: 429, message: 'Too many failed log-ins; wait and try again.' },
  'sign-on.off': { status: 404, message: 'This server has no identity provider.' },
  'sign-on.expired': {
    status: 400,
    message: 'This log-in was not begun in this browser, took too long, or was used already; begin again.',
  },
  'sign-on.refused': { status: 403, message: 'The identity provider did not let you in.' },
  'sign-on.invalid': { status: 400, message: 'The answer of the identity provider is not valid; log in again.' },
  'sign-on.unavailable': { status: 503, message: 'The identity provider cannot be reached; try again later.' },
  'sign-on.no-role': { status: 403, message: 'You are in no group that may use this server.' },
  'sign-on.name': {
    status: 409,
    message: 'There is already a user of your name here, who is not yours; an administrator can remove it.',
  },
  'sign-on.disabled': { status: 403, message: 'Your account is disabled here; an administrator can enable it.' },
  'right.missing': { status: 403, message: 'You do not have permission to perform this action.' },
  'user.not-found': { status: 404, message: 'There is no user of that name.' },
  'user.exists': { status: 409, message: 'There is already a user of that name.' },
  'token.not-found': { status: 404, message: 'There is no such token.' },
  'user.name-invalid': {
    status: 400,
    message: 'A user name has 1 to 64 letters, digits, dots, underscores, hyphens or at signs.',
  },
  'user.password-invalid': { status: 400, message: 'A password has 8 to 1,024 characters.' },
  'user.password-wrong': { status: 400, message: 'The current password is missing or wrong.' },
  'user.last-administrator': { status: 409, message: 'There must be an administrator left.' },
  'user.role-invalid': { status: 400, message: 'Only a tenant can be allowed to contribute samples.' },
  'token.scope': { status: 403, message: 'This token is not for that.' },
  'token.scope-invalid': { status: 400, message: 'A token can be for operations of the API, and for read.' },
  'token.for-tenant': { status: 400, message: 'A tenant has no tokens: it sends its name and password.' },
  'token.invalid': { status: 400, message: 'A token has 1 to 256 printable ASCII characters and no spaces.' },
  'ruleset.not-found': { status: 404, message: 'Ruleset not found' },
  'ruleset.name-invalid': { status: 400, message: 'Missing or invalid ruleset name parameter' },
  'ruleset.revision-not-found': { status: 404, message: 'The ruleset has no revision of that number.' },
  'ruleset.exists': { status: 409, message: 'There is already a ruleset of that name which is not a core ruleset.' },
  'ruleset.core': { status: 401, message: 'Core ruleset cannot be updated' },
  'ruleset.foreign': { status: 401, message: 'Unauthorized action; ruleset was created by another user' },
  'ruleset.busy': {
    status: 409,
    message:
      'Rulesets cannot be updated while their Spectra Intelligence validation is pending, or while a Cloud Retro hunt is running.',
  },
  'ruleset.changed': { status: 409, message: 'The ruleset was changed meanwhile.' },
  'ruleset.cannot-run': {
    status: 500,
    message:
      'Error while creating or updating ruleset. Ruleset saved successfully, but due to errors the system cannot run it.',
  },
  'ruleset.delete-failed': { status: 500, message: 'Error occurred while deleting ruleset' },
  'ruleset.switch-failed': { status: 500, message: 'Error occurred while enabling/disabling ruleset' },
  'rule.not-found': { status: 404, message: 'The ruleset has no rule of that name.' },
  'rule.too-many-disabled': {
    status: 409,
    message: 'A ruleset can have 10,000 disabled rules; enable some, or disable the ruleset.',
  },
  'rule.too-many-allowed': {
    status: 409,
    message: 'The allow list of a rule has 1,000 entries at most; remove some, or make the rule narrower.',
  },
  'source.not-found': { status: 404, message: 'There is no such rule source.' },
  'source.exists': { status: 409, message: 'There is already a rule source of that name.' },
  'source.foreign': { status: 403, message: 'The rule source was added by another user.' },
  'source.invalid': {
    status: 400,
    message: 'A rule source is a repository or an archive with an address that starts with https://.',
  },
  'source.refused': { status: 400, message: 'Rules may not be fetched from there.' },
  'source.unreachable': { status: 424, message: 'The rule source cannot be reached.' },
  'source.credentials': { status: 424, message: 'The server of the rule source does not accept the token.' },
  'source.too-large': { status: 424, message: 'The rule source is larger than allowed.' },
  'source.failed': { status: 424, message: 'The rule source cannot be read.' },
  'source.git-missing': {
    status: 424,
    message:
      'Repositories are fetched with git, which is not installed here; install it ("apt-get install git"), or use the address of an archive.',
  },
  'rules.unreadable': { status: 400, message: 'There is no YARA file to read.' },
  'rules.invalid': { status: 400, message: 'The rules do not compile.' },
  'publish.refused': {
    status: 403,
    message:
      'Publishing needs an administrator or a publisher, and YARA synchronization, which is not enabled on this appliance.',
  },
  'deletion.not-found': {
    status: 404,
    message: 'No deletion of that id is known; a deletion has ended when its request is answered.',
  },
  'sample.not-found': { status: 404, message: 'There is no sample with that hash.' },
  'sample.gone': { status: 410, message: 'The content of this sample can no longer be read.' },
  'upload.no-file': { status: 400, message: 'The multipart field "file" with the sample is missing.' },
  'upload.url': {
    status: 400,
    message: 'This appliance fetches nothing from addresses; send the sample itself as the multipart field "file".',
  },
  'upload.too-large': { status: 413, message: 'The file is larger than this appliance accepts.' },
  'storage.full': { status: 503, message: 'The storage is full; free some space and send the file again.' },
  'service.stopping': { status: 503, message: 'The server is stopping; try again in a moment.' },
  'service.overloaded': { status: 503, message: 'The server is overloaded; try again in a moment.' },
  'workers.lost': {
    status: 503,
    message: 'The processes that scan do not start, or end again and again; the log tells why.',
  },
  'retro.wrong-state': { status: 412, message: 'Local Retro is in the wrong state for this operation.' },
  'retro.operation-invalid': {
    status: 400,
    message: 'The field "operation" is missing or not one of the accepted values.',
  },
  'cloud.not-connected': {
    status: 428,
    message: 'The server is not connected to Spectra Intelligence, or Cloud Retro hunting is not enabled.',
  },
  'cloud.unreachable': { status: 424, message: 'The cloud cannot be reached.' },
  'cloud.credentials': { status: 424, message: 'The cloud does not accept the user and password.' },
  'cloud.overloaded': {
    status: 503,
    message: 'The cloud is overloaded or the quota is used up; try again in a moment.',
  },
  'cloud.refused': { status: 424, message: 'The cloud refused the request.' },
  'cloud.failed': { status: 424, message: 'The cloud failed, or its answer makes no sense.' },
  'cloud.wrong-state': {
    status: 412,
    message: 'The ruleset is not saved to Spectra Intelligence, or is in the wrong state for this operation.',
  },
  'time.malformed': { status: 404, message: 'Malformed time parameter' },
  'cloud.sync-off': { status: 405, message: 'YARA Spectra Intelligence synchronization is currently not enabled.' },
  'hunt.not-found': { status: 404, message: 'There is no such hunt.' },
  'hunt.wrong-state': { status: 409, message: 'The hunt is in the wrong state for this operation.' },
  'hunt.failed': { status: 500, message: 'The hunt failed.' },
  'tenant.unknown': { status: 401, message: 'The name or the password is missing or wrong.' },
  'tenant.throttled': { status: 429, message: 'Too many requests; wait and try again.' },
  'tenant.quota': { status: 429, message: 'There are as many rulesets as this account may have; delete some first.' },
  'tenant.ruleset-exists': {
    status: 400,
    message: 'There is already a ruleset of that name; delete it before you create it anew.',
  },
  'tenant.ruleset-refused': { status: 400, message: 'The ruleset cannot be accepted.' },
  'tenant.retro-refused': { status: 400, message: 'The retro hunt is in the wrong state for this operation.' },
  'feed.malformed': {
    status: 400,
    message: 'A feed is asked for with timestamp/<Unix seconds> or utc/<YYYY-MM-DDThh:mm:ss>.',
  },
  'feed.too-old': { status: 400, message: 'A feed cannot be asked for what is that long ago.' },
  'feed.format': {
    status: 400,
    message: 'This server answers in JSON only: leave the parameter format out, or set it to json.',
  },
  'contribution.refused': { status: 403, message: 'This account is not allowed to contribute samples.' },
  'contribution.mismatch': {
    status: 400,
    message: 'The bytes that were sent have another SHA-1 than the address says.',
  },
  'settings.invalid': { status: 500, message: 'A setting has a value that is not allowed.' },
  'database.unusable': { status: 503, message: 'The database cannot be used by this version of Backtrail.' },
  'database.damaged': {
    status: 503,
    message: 'The database is damaged; stop Backtrail and run "backtrail check" on the data folder.',
  },
  'backup.incomplete': { status: 500, message: 'The backup is not whole.' },
  'data-folder.unusable': { status: 503, message: 'The data folder cannot be used as it is.' },
  'signature.damaged': { status: 500, message: 'A signature record is damaged.' },
  'segment.damaged': {
    status: 500,
    message: 'A segment of the index is damaged or missing; it is rebuilt from the samples.',
  },
  'server.unreachable': { status: 502, message: 'The server cannot be reached.' },
  'server.refused': { status: 502, message: 'The server refused the request.' },
  'data-folder.locked': { status: 503, message: 'The data folder is in use by a running server.' },
} as const satisfies Record<string, { status: number; message: string }>

export type FailureCode = keyof typeof catalogue
