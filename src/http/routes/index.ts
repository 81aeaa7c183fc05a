import { hasPart } from '../../settings/index.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { addAdvancedSearch } from './advanced-search.ts'
import { addAllowLists } from './allow-lists.ts'
import { addAppliances } from './appliances.ts'
import { addAudit } from './audit.ts'
import { addBell } from './bell.ts'
import { addCloudRetro } from './cloud-retro.ts'
import { addCloudTime } from './cloud-time.ts'
import { addCluster } from './cluster.ts'
import { addDeviceLogIn } from './device-log-in.ts'
import { addHealth } from './health.ts'
import { addHuntHits } from './hunt-hits.ts'
import { addHunts } from './hunts.ts'
import { addIndexMaintenance } from './index-maintenance.ts'
import { addLocalRetro } from './local-retro.ts'
import { addMatchSearch } from './match-search.ts'
import { addNotifications } from './notifications.ts'
import { addOperation } from './operation.ts'
import { addOverview } from './overview.ts'
import { addPublishing } from './publishing.ts'
import { addQuotas } from './quotas.ts'
import { addRetention } from './retention.ts'
import { addRetroRuns } from './retro-runs.ts'
import { addRuleSources } from './rule-sources.ts'
import { addRuleSwitches } from './rule-switches.ts'
import { addRulesetBulk } from './ruleset-bulk.ts'
import { addRulesetImports } from './ruleset-imports.ts'
import { addRulesetList } from './ruleset-list.ts'
import { addRulesetMatches } from './ruleset-matches.ts'
import { addRulesetNotes } from './ruleset-notes.ts'
import { addRulesetRevisions } from './ruleset-revisions.ts'
import { addRulesets } from './rulesets.ts'
import { addSampleAnalysis } from './sample-analysis.ts'
import { addSampleClassification } from './sample-classification.ts'
import { addSampleContainers } from './sample-containers.ts'
import { addSampleDeletion } from './sample-deletion.ts'
import { addSampleDownloads } from './sample-downloads.ts'
import { addSampleInspection } from './sample-inspection.ts'
import { addSampleLookUps } from './sample-look-ups.ts'
import { addSampleReports } from './sample-reports.ts'
import { addSampleSearch } from './sample-search.ts'
import { addSampleSelections } from './sample-selections.ts'
import { addSampleTags } from './sample-tags.ts'
import { addSampleUnpacking } from './sample-unpacking.ts'
import { addSearch } from './search.ts'
import { addSharedRulesets } from './shared-rulesets.ts'
import { addSignOn } from './sign-on.ts'
import { addSmallUploads } from './small-uploads.ts'
import { addTokenLogIn } from './token-log-in.ts'
import { addUploads } from './uploads.ts'
import { addUsers } from './users.ts'
import { addWebSession } from './web-session.ts'
import { addYaraRepositories } from './yara-repositories.ts'

/** What every server has, whatever its role. */
const everywhere = [
  addTokenLogIn,
  addWebSession,
  addSignOn,
  addDeviceLogIn,
  addUploads,
  addSmallUploads,
  addSampleLookUps,
  addSampleReports,
  addSampleAnalysis,
  addSampleUnpacking,
  addSampleDownloads,
  addSampleContainers,
  addSampleDeletion,
  addSampleClassification,
  addSampleTags,
  addSampleSearch,
  addAdvancedSearch,
  addSampleInspection,
  addSampleSelections,
  addUsers,
  addAudit,
  addIndexMaintenance,
  addRetention,
  addQuotas,
  addOverview,
  addHealth,
  addCluster,
  addOperation,
]

/** What administrators of a cluster work with. */
const onManagers = [addAppliances]

/** What analysts work with: not there where the server is no appliance. */
const onAppliances = [
  addRulesets,
  addRulesetList,
  addRulesetNotes,
  addRulesetBulk,
  addRulesetImports,
  addRulesetRevisions,
  addRuleSwitches,
  addAllowLists,
  addRulesetMatches,
  addYaraRepositories,
  addRuleSources,
  addLocalRetro,
  addRetroRuns,
  addCloudRetro,
  addCloudTime,
  addPublishing,
  addSharedRulesets,
  addHunts,
  addHuntHits,
  addMatchSearch,
  addNotifications,
  addBell,
  addSearch,
]

/** Every route of the role; one file a group. */
export function addRoutes(app: HttpServer, parts: RouteParts): void {
  const { role } = parts.settings
  const groups = [
    ...everywhere,
    ...(hasPart(role, 'appliance') ? onAppliances : []),
    ...(hasPart(role, 'manager') ? onManagers : []),
  ]
  for (const add of groups) add(app, parts)
}
