import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import { useCallback } from 'react'
import { type Counted, More } from './more.tsx'
import { Problem } from './problem.tsx'
import { Table, type TableProps } from './table.tsx'

/** The rows of all pages that were loaded; undefined while the first is on its way. */
export const rowsOf = <Row,>(list: GrowingList<Row>): readonly Row[] | undefined =>
  list.data?.pages.flatMap(({ rows }) => rows)

type GrowingList<Row> = UseInfiniteQueryResult<InfiniteData<{ readonly rows: readonly Row[] }>>

/** A table of a list that the server walks through, which grows at its end. */
export function GrowingTable<Row>({
  list,
  rows,
  what,
  total,
  ...table
}: Omit<TableProps<Row>, 'isStale' | 'rows' | 'onEnd' | 'rowCount'> & {
  readonly list: GrowingList<Row>
  /** Of `rowsOf`. */
  readonly rows: readonly Row[] | undefined
  /** `match`, `matches`. */
  readonly what: readonly [one: string, many: string]
  readonly total?: Counted | undefined
}) {
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  if (list.isError && !rows) return <Problem error={list.error} onRetry={() => void list.refetch()} />
  return (
    <>
      <Table
        {...table}
        rows={rows}
        isStale={list.isPlaceholderData}
        onEnd={more}
        rowCount={hasNextPage ? (total && !total.more ? total.count : null) : rows?.length}
      />
      {rows && (rows.length > 0 || list.hasNextPage) && (
        <More
          shown={rows.length}
          total={total}
          what={what}
          hasMore={list.hasNextPage}
          isLoading={list.isFetchingNextPage}
          onMore={() => void list.fetchNextPage()}
        />
      )}
    </>
  )
}
