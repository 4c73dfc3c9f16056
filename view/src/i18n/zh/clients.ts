export default {
  title: '客户端',
  empty: '没有客户端连接',
  emptyHint: '',
}
