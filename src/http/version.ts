/** Of this program, as its package says. */
export { programVersion as packageVersion } from '../settings/index.ts'
