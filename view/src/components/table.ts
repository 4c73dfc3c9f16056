/** What DataTable is told, and what it can be told to do. */

/** A column of DataTable. */
export interface Column<Row> {
  /** The name of its slot, or of the row's field. */
  key: string
  title: string
  /** Pixels, at least. */
  width: number
  /** Whether it takes the room that is left. */
  grows?: boolean
  /** Whether it holds numbers: they stand to the right. */
  number?: boolean
  /** Whether it holds codes. */
  mono?: boolean
  /** What it is sorted by, of the rows that are there; without it the column can't be sorted. */
  sort?: (row: Row) => string | number
}

/** The column that a table is sorted by. */
export interface Order {
  key: string
  down: boolean
}

/** What `ref` on a DataTable gives. */
export interface Table {
  /** Bring a row into sight, by its key. */
  reveal: (key: string | number) => Promise<void>
  /** Put live rows into their order now, although somebody points at them. */
  release: () => void
  /** Put the keyboard there. */
  focus: () => void
}

/** Rows in the order of a column; as they come where there is none, or it can't be sorted by. */
export function inOrder<Row> (rows: readonly Row[], columns: readonly Column<Row>[], order: Order | undefined): readonly Row[] {
  const by = columns.find((column) => column.key === order?.key)?.sort
  if (by === undefined || order === undefined) return rows
  const sign = order.down ? -1 : 1
  return [...rows].sort((a, b) => {
    const [x, y] = [by(a), by(b)]
    return sign * (typeof x === 'string' && typeof y === 'string' ? x.localeCompare(y) : Number(x) - Number(y))
  })
}
