import { useParams } from 'react-router'
import { PageHead } from '../../parts/page-head.tsx'

export function Component() {
  const { name = '' } = useParams()
  return <PageHead title={name} />
}
