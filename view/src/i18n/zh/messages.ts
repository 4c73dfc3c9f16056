export default {
  title: '消息',
  empty: '没有匹配的消息',
  emptyHint: '',
}
