export default {
  title: '登录',
  key: '密钥',
  hint: '即节点的 mq.secretKey。它只保存在此标签页中，关闭后即被清除。',
  show: '显示密钥',
  submit: '登录',
  checking: '正在验证…',
  wrong: '密钥错误。',
  slow: '多次输错密钥后，节点会延迟响应。',
  held: '密钥输错次数过多。{seconds} 秒内，节点对错误密钥的响应会变慢。',
  foreign: '使用默认密钥时不能从此地址访问：请在本机打开控制台，或为节点设置自己的密钥。',
  refused: '节点不再接受您的密钥。',
  asked: '您已退出登录。',
}
