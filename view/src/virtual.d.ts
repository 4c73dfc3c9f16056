declare module 'virtual:licences' {
  /** Where the licences of what others wrote are. */
  const address: string
  export default address
}
