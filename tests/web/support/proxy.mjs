// A proxy that lets nothing through, and remembers what was asked of it: whatever a browser wants from elsewhere.
import { createServer } from 'node:net';

/** Starts it. Returns {port, asked, close}; `asked` has the first lines, such as `CONNECT example.org:443 HTTP/1.1`. */
export async function startProxy() {
  const asked = [];
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('data', (data) => {
      asked.push(data.toString('latin1').split('\r\n')[0]);
      socket.end('HTTP/1.1 502 Nothing leaves\r\nContent-Length: 0\r\n\r\n');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    asked,
    close: () => {
      sockets.forEach((socket) => socket.destroy());
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
