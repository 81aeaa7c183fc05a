/** A manager: the log of the rulesets that appliances share, and the appliances themselves. */
export { type ApplianceState, applianceStates, type KnownAppliance } from './appliance-states.ts'
export { type ListedAppliance, Manager } from './manager.ts'
