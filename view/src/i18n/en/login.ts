export default {
  title: 'Sign in',
  key: 'Secret key',
  hint: 'It is the node’s mq.secretKey. It stays in this tab and is forgotten when you close it.',
  show: 'Show the key',
  submit: 'Sign in',
  checking: 'Checking…',
  wrong: 'The key is wrong.',
  slow: 'After many wrong keys the node takes its time to answer.',
  held: 'Too many wrong keys. For another {seconds} s the node is slow to answer to wrong ones.',
  foreign: 'This address may not be used while the key is the default: open the console on the machine itself, or give the node a key of its own.',
  refused: 'The node does not take your key any more.',
  asked: 'You are signed out.',
}
