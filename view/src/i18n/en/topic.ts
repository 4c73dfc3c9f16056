export default {
  title: 'Topic',
  empty: 'Nothing here yet',
  emptyHint: '',
}
