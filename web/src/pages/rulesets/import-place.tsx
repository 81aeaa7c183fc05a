import { useNavigate } from 'react-router'
import { useStartImport } from '../../api/ruleset-imports.ts'
import { DropPlace } from '../../parts/drop-place.tsx'
import { notifyFailed } from '../../parts/notices.tsx'

/** Files, folders and archives that are dropped become rulesets, after a look at what they would bring. */
export function ImportPlace() {
  const start = useStartImport()
  const navigate = useNavigate()
  if (start.isPending) return <p role="status">Sending the files …</p>
  return (
    <DropPlace
      purpose="import"
      what="YARA files, folders or a zip"
      onFiles={(files) =>
        start.mutate(files, {
          onError: notifyFailed,
          onSuccess: ({ id, leftOut }) =>
            void navigate(`/ruleset-imports/${id}${leftOut > 0 ? `?left_out=${leftOut}` : ''}`),
        })
      }
    />
  )
}
