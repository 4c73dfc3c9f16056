export default {
  title: '死信',
  empty: '没有死信',
  emptyHint: '消费组在最后一次尝试失败后放弃的消息会出现在这里。',
}
