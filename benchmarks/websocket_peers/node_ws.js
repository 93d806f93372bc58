// Node's ws library, sending to each client in turn as its documentation shows.
import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
const padding = "x".repeat(Number(process.env.MESSAGE_BYTES ?? 480) - 50);
let sequence = 0;

sockets.on("connection", (socket) => socket.on("error", () => {}));
setInterval(() => {
  const text = Buffer.from(`{"type":"metrics","seq":${sequence++},"pad":"${padding}"}`);
  for (const client of sockets.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(text, { binary: false });
  }
}, 1000);
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
