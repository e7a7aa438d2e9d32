/** The least that an HTTP server can do: answers every request with the bytes of a file. Arguments: port, file. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
const body = await readFile(String(file));
createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length });
  response.end(body);
}).listen(Number(port), '127.0.0.1');
