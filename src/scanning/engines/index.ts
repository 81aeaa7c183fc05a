export { bundledEngines, loadEngines, loadUsualEngine } from './engine-set.ts'
