export default {
  title: '设置',
  empty: '没有设置',
  emptyHint: '',
}
