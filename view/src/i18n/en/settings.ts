export default {
  title: 'Settings',
  empty: 'No settings',
  emptyHint: '',
}
