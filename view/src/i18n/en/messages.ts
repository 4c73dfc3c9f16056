export default {
  title: 'Messages',
  empty: 'No message matches',
  emptyHint: '',
}
