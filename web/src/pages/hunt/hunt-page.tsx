import { PageHead } from '../../parts/page-head.tsx'

export function Component() {
  return <PageHead title="Hunt" />
}
