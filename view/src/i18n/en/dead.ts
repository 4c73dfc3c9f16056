export default {
  title: 'Dead letters',
  empty: 'No dead letters',
  emptyHint: 'What a group gives up after its last attempt comes here.',
}
