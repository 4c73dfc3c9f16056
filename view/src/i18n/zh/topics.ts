export default {
  title: '主题',
  empty: '还没有主题',
  emptyHint: '发布消息时会自动创建主题。',
}
