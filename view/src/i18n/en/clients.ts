export default {
  title: 'Clients',
  empty: 'Nobody is connected',
  emptyHint: '',
}
