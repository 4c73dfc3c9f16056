// A classic client with Node's `ws`: node client.js URL KEY BODY. Tells in JSON what it saw.
"use strict";
const WebSocket = require("ws");
const [url, key, body] = process.argv.slice(2);
const seen = { producer: [], consumer: [], pushed: [], closed: {} };
const expected = 2;

function join(kind, path, loggedIn, then) {
  const socket = new WebSocket(url + path);
  const tries = ["guess", key];
  socket.on("message", (data, isBinary) => {
    const text = data.toString();
    if (isBinary) throw new Error("a binary frame");
    if (text.startsWith("{")) return then(socket, JSON.parse(text));
    seen[kind].push(text);
    if (text === "Please enter the secret key") socket.send(tries.shift());
    else if (text === "Secret key matching succeeded") loggedIn(socket);
    else if (text === "ok") then(socket, text);
  });
  socket.on("close", (code) => {
    seen.closed[kind] = code;
    if (seen.closed.producer && seen.closed.consumer) console.log(JSON.stringify(seen));
  });
  return socket;
}

const produce = (socket) => {
  socket.send(JSON.stringify({ MessageData: body, DelayTime: 0 }));
  socket.send(Buffer.from(JSON.stringify({ MessageData: "binary", DelayTime: 0 })));
};
let oks = 0;
const confirmed = (socket) => {
  oks += 1;
  if (oks === expected) socket.close(1000);
};
const consumed = (socket, pushed) => {
  seen.pushed.push(pushed);
  socket.send(pushed.MessageCode);
  if (seen.pushed.length < expected) return;
  socket.on("pong", (payload) => { // what is answered after the acks was read after them
    seen.pong = payload.toString();
    socket.close(1000);
  });
  socket.ping("are you there?");
};
join("consumer", "/Consumers/Conn/orders/c1",
  () => join("producer", "/Producers/Conn/orders/p1", produce, confirmed), consumed);
