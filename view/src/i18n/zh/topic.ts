export default {
  title: '主题',
  empty: '这里还没有内容',
  emptyHint: '',
}
