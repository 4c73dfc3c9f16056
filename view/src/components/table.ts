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
