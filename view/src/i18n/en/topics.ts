export default {
  title: 'Topics',
  empty: 'No topics yet',
  emptyHint: 'Publishing a message makes its topic.',
}
