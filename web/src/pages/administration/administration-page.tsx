import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components'
import { useUser } from '../../api/session.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { PageHead } from '../../parts/page-head.tsx'
import styles from './administration-page.module.css'
import { AuditLog } from './audit-log.tsx'
import { CloudSection } from './cloud-section.tsx'
import { ClusterSection } from './cluster-section.tsx'
import { CoreRulesets } from './core-rulesets.tsx'
import { HealthSection } from './health-section.tsx'
import { Limits } from './limits.tsx'
import { OwnQuota, Quotas } from './quotas.tsx'
import { Retention } from './retention.tsx'
import { roleNouns } from './role-nouns.ts'
import { OwnPassword, Tokens } from './tokens.tsx'
import { Users } from './users.tsx'

const initial = { part: 'account' }

export function Component() {
  const user = useUser()
  const isAdministrator = user.role === 'administrator'
  const [{ part }, change] = useAddressState(initial)
  const parts = [
    { id: 'account', title: 'Your account' },
    ...(isAdministrator
      ? [
          { id: 'users', title: 'Users' },
          { id: 'quotas', title: 'Quotas' },
        ]
      : []),
    { id: 'core', title: 'Core rulesets' },
    { id: 'cloud', title: 'Cloud' },
    { id: 'limits', title: 'Limits' },
    { id: 'health', title: 'Health' },
    ...(isAdministrator
      ? [
          { id: 'cluster', title: 'Cluster' },
          { id: 'retention', title: 'Retention' },
          { id: 'audit', title: 'Audit log' },
        ]
      : []),
  ]
  const chosen = parts.some(({ id }) => id === part) ? part : 'account'
  return (
    <>
      <PageHead title="Administration" about={`You are ${user.name}, ${roleNouns[user.role]}.`} />
      <Tabs selectedKey={chosen} onSelectionChange={(part) => change({ part: String(part) })}>
        <TabList className={styles.tabs ?? ''} aria-label="Parts of the administration">
          {parts.map(({ id, title }) => (
            <Tab key={id} id={id} className={styles.tab ?? ''}>
              {title}
            </Tab>
          ))}
        </TabList>
        <TabPanel id="account" className={styles.sections ?? ''}>
          <Tokens of={user.name} />
          <OwnPassword of={user.name} />
          <OwnQuota of={user.name} />
        </TabPanel>
        {isAdministrator && (
          <TabPanel id="users" className={styles.sections ?? ''}>
            <Users self={user.name} />
          </TabPanel>
        )}
        {isAdministrator && (
          <TabPanel id="quotas" className={styles.sections ?? ''}>
            <Quotas />
          </TabPanel>
        )}
        <TabPanel id="core" className={styles.sections ?? ''}>
          <CoreRulesets />
        </TabPanel>
        <TabPanel id="cloud" className={styles.sections ?? ''}>
          <CloudSection />
        </TabPanel>
        <TabPanel id="limits" className={styles.sections ?? ''}>
          <Limits />
        </TabPanel>
        <TabPanel id="health" className={styles.sections ?? ''}>
          <HealthSection />
        </TabPanel>
        {isAdministrator && (
          <TabPanel id="cluster" className={styles.sections ?? ''}>
            <ClusterSection />
          </TabPanel>
        )}
        {isAdministrator && (
          <TabPanel id="retention" className={styles.sections ?? ''}>
            <Retention />
          </TabPanel>
        )}
        {isAdministrator && (
          <TabPanel id="audit" className={styles.sections ?? ''}>
            <AuditLog />
          </TabPanel>
        )}
      </Tabs>
    </>
  )
}
