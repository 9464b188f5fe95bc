// A server of conversations that does what a test says, also what the engine never does on purpose: it cuts lines, refuses, stays silent.
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const FILES = path.join(__dirname, '../../engine/widget');

/** Serves the widget and one thread, on a free port. */
class Scripted {
  constructor() {
    Object.assign(this, { turns: [], lines: new Set(), said: [], seen: [], opened: [], heard: [], refuse: [], owner: 'bot', known: false });
  }

  async listen() {
    this.server = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => { body += chunk; });
      request.on('end', () => this.answer(request, response, body && JSON.parse(body)));
    });
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }

  answer(request, response, body) {
    const where = request.url.split('?')[0];
    const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'authorization, content-type, last-event-id' };
    const say = (status, told, headers = {}) => { response.writeHead(status, { ...cors, ...headers }); response.end(told); };
    const refused = request.method !== 'OPTIONS' && this.refuse.findIndex((one) => one.path === where);
    if (request.method === 'OPTIONS') return say(204);
    if (refused >= 0) return say(this.refuse.splice(refused, 1)[0].status, '');
    if (where === '/widget.js') return say(200, fs.readFileSync(path.join(FILES, 'widget.js')), { 'content-type': 'text/javascript' });
    if (where === '/widget-demo') return say(200, fs.readFileSync(path.join(FILES, 'demo.html')), { 'content-type': 'text/html' });
    if (where === '/chat/session') {
      this.opened.push(body);
      const claims = Buffer.from(JSON.stringify({ sub: body.token ? 'ada' : 'anon:chat-1' })).toString('base64url');
      return say(200, JSON.stringify({ session: `h.${claims}.s`, known: Boolean(body.token), ends: Date.now() + 3600000 }));
    }
    if (where === '/chat/messages') { this.said.push(body); say(202, JSON.stringify({ id: body.id })); return this.onSaid?.(body); }
    if (where === '/chat/seen') { this.seen.push(body); return say(204); }
    if (where !== '/chat/stream') return say(404);
    this.heard.push(request.headers['last-event-id'] ?? null);
    response.writeHead(200, { ...cors, 'content-type': 'text/event-stream' });
    this.lines.add(response);
    response.on('close', () => this.lines.delete(response));
    const last = Number(request.headers['last-event-id'] ?? -1);
    this.turns.filter((turn) => turn.number > last).forEach((turn) => this.write(response, 'turn', turn));
    this.write(response, 'ready', { known: this.known, owner: this.owner });
  }

  write(line, event, data) {
    line.write(`event: ${event}\n${event === 'turn' ? `id: ${data.number}\n` : ''}data: ${JSON.stringify(data)}\n\n`);
  }

  tell(event, data) {
    for (const line of this.lines) this.write(line, event, data);
  }

  /** Adds a turn, and tells it. */
  turn(speaker, text, more = {}) {
    const made = { customer: 'person', agent: 'person', bot: 'ai', outreach: 'template' }[speaker];
    const turn = { number: this.turns.length, at: Date.now(), speaker, made, by: '', text, lang: '', sources: [], message: '', epoch: 0, attempt: 0, act: 'said', ...more };
    this.turns.push(turn);
    this.tell('turn', turn);
  }

  /** Cuts every line. */
  cut() {
    for (const line of this.lines) line.destroy();
  }
}

module.exports = { Scripted };
