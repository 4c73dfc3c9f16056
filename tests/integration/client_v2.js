// A v2 client as a page has it: nothing but what the browsers' WebSocket offers. Where Node has none of its own, `ws`,
// which has the same interface, stands for it. Prints what it was told, as JSON.
//
//     node client_v2.js URL KEY BODY
const [url, key, body] = process.argv.slice(2)
const Socket = globalThis.WebSocket ?? require('ws')
const socket = new Socket(url, ['mqtt', 'kapokmq.v2'])
const told = []
const ask = (op, fields) => socket.send(JSON.stringify({ op, ...fields }))
const codes = (messages) => messages.map(({ code }) => code)

const steps = {
  error: () => ask('hello', { id: 1, key, name: 'page' }),
  welcome: () => ask('subscribe', { id: 2, topic: 'orders.*', group: 'page' }),
  ok: ({ id }) => {
    if (id === 2) ask('publish', { id: 3, topic: 'orders.eu', messages: [{ data: body }, { data: { n: [1, null] }, headers: { a: 'b' } }] })
    if (id === 4) socket.close(1000, 'done')
  },
  deliver: ({ sub, messages }) => {
    const again = messages.filter(({ attempt }) => attempt === 2)
    if (again.length) ask('ack', { id: 4, sub, codes: codes(again) })
    else {
      ask('nack', { sub, codes: codes(messages.slice(0, 1)), delay: 0.05, reason: 'not yet' })
      if (messages.length > 1) ask('ack', { sub, codes: codes(messages.slice(1)) })
    }
  }
}

socket.onopen = () => ask('hello', { id: 0, key: 'guess' })
socket.onmessage = ({ data }) => {
  const one = JSON.parse(data)
  told.push(one)
  steps[one.op](one)
}
socket.onclose = ({ code }) => console.log(JSON.stringify({ told, protocol: socket.protocol, closed: code }))
