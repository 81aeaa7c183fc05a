import { setFlagsFromString } from 'node:v8'

/**
 * V8 keeps up to 128 MB of the memory that large texts had for the next ones: where the machine is virtual, new memory for one takes
 * up to a fifth of a second, in which the server answers nobody. To be called when the program is loaded: the option, wherever
 * it stands, keeps Node from using what is compiled already of its own modules, which is a sixth of what a start takes.
 */
export function keepLargePages(): void {
  // Another version may not know it.
  if (process.versions.node.startsWith('26.')) setFlagsFromString('--max-large-page-pool-size=128')
}
