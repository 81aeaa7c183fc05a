/** What a command's exit status tells. The help of every command shows this table. */
export const exitCodes = {
  done: 0,
  failed: 1,
  rulesInvalid: 2,
  wrongUsage: 3,
  dataFolderLocked: 4,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export const exitCodesHelp = `
Exit status:
  0    all of it was done
  1    it failed, or a part of it did: the messages say which
  2    rules do not compile: every diagnostic is printed as file:line:column: message
  3    the command line or a setting is wrong
  4    the data folder, or the database of a cluster, is in use by another process, or was lost to one
  130  interrupted`
