export { childEnvironment } from './child-environment.ts'
export { isAddressPath, readSize } from './kinds.ts'
export { isMailAddress } from './mail-address.ts'
export { readCertificates, readFirstLine, readNamedFile } from './named-files.ts'
export { inNetworks } from './networks.ts'
export {
  type ClientSettings,
  clientOptions,
  flagOf,
  type Option,
  options,
  type ServerRole,
  type Settings,
  variableOf,
} from './options.ts'
export {
  type Environment,
  type Flags,
  isThisMachine,
  readClientAddress,
  readClientSettings,
  readSettings,
} from './read.ts'
export { renderReference } from './reference.ts'
export { hasPart, partsOf, type RolePart } from './roles.ts'
export { programVersion } from './version.ts'
