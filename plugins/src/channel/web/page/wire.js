// The socket: says hello, catches up by the number of the last line, keeps what is not durable yet and says it again under
// the same id, and comes back when it is cut.
const PLACE = `kefu:${location.pathname}`;
const PAUSES = [300, 1000, 2000, 5000, 10000, 20000];
const BEAT = 25000, PATIENCE = 10000;
const CODES = { idle: 4000, token: 4401, full: 4429 };

const keep = (store, key, value) => { try { value == null ? store().removeItem(key) : store().setItem(key, value); } catch { /* kept in memory alone */ } };
const kept = (store, key) => { try { return store().getItem(key); } catch { return null; } };
const long = () => localStorage, short = () => sessionStorage;

function random(length) {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join('');
}

export class Wire extends EventTarget {
  constructor() {
    super();
    this.token = kept(long, PLACE); this.last = null; this.skew = 0;
    this.queue = JSON.parse(kept(short, PLACE) ?? '[]'); this.said = false;
    this.socket = null; this.ready = false; this.waiting = null; this.tries = 0;
    for (const [target, event] of [[window, 'online'], [window, 'focus'], [document, 'visibilitychange'], [document, 'pointerdown'], [document, 'keydown']]) {
      target.addEventListener(event, () => this.wake());
    }
    setInterval(() => this.beat(), BEAT);
  }

  /** Connects; what the site knows of the visitor goes before what this page remembers. */
  start({ token, from, name }) { this.token = token ?? this.token; this.from = from; this.name = name; this.connect(); }

  /** Something to say; it is kept until the server has it. */
  say(what) {
    const item = { key: random(12), what };
    this.queue.push(item); this.save(); this.wake(); this.flush();
    return item;
  }

  earlier(before) { this.send({ t: 'earlier', before }); }

  /** The lines up to this one are shown, to somebody who looks. */
  shown(line) { if (this.ready) this.send({ t: 'shown', line }); }

  connect() {
    clearTimeout(this.waiting); this.waiting = null; this.resting = false;
    const address = new URL('ws', document.baseURI);
    address.protocol = address.protocol.replace('http', 'ws');
    address.search = '';
    const socket = new WebSocket(address);
    this.socket = socket;
    socket.addEventListener('open', () => this.send({ t: 'hello', token: this.token ?? undefined, after: this.last ?? undefined }));
    socket.addEventListener('message', (event) => { this.heardAt = performance.now(); this.hear(JSON.parse(event.data)); });
    socket.addEventListener('close', (event) => { if (this.socket === socket) this.cut(event.code); });
  }

  send(frame) { if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame)); }

  tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  hear(frame) {
    const { t } = frame;
    if (t === 'welcome') {
      this.tries = 0; this.ready = true; this.inFlight = null; this.token = frame.token; this.skew = frame.now - Date.now();
      keep(long, PLACE, frame.token);
    }
    if (t === 'lines' || t === 'earlier') for (const line of frame.lines) this.last = Math.max(this.last ?? 0, line.n);
    if (t === 'taken') this.taken(frame.id);
    if (t === 'refused') return this.refused(frame);
    this.tell(t, frame);
    if (t === 'welcome') this.flush();
  }

  // One at a time: what is said arrives in the order it was said.
  flush() {
    const [item] = this.queue;
    if (!this.ready || this.inFlight || !item) return;
    item.id ??= `${Math.floor((Date.now() + this.skew) / 1000)}-${random(16)}`;
    this.save();
    this.inFlight = item;
    this.sentAt = performance.now();
    const first = this.said ? {} : { from: this.from, name: this.name };
    this.send({ t: 'say', id: item.id, ...item.what, ...first });
  }

  taken(id) {
    this.inFlight = null; this.said = true;
    this.queue = this.queue.filter((item) => item.id !== id);
    this.save();
    queueMicrotask(() => this.flush());
  }

  refused({ id, why, after }) {
    const item = this.queue.find((one) => one.id === id);
    if (!item) return;
    const later = (pause) => setTimeout(() => { this.inFlight = null; this.flush(); }, pause);
    if (why === 'stale') { item.id = null; later(0); return; }
    if (after != null) later(after);
    else { this.queue = this.queue.filter((one) => one !== item); this.save(); later(0); }
    this.tell('refused', { item, why, again: after != null });
  }

  cut(code) {
    this.ready = false; this.inFlight = null;
    if (code === CODES.token) { this.token = null; this.last = null; keep(long, PLACE, null); this.tell('reset'); return this.connect(); }
    if (code === CODES.idle) { this.resting = true; return this.tell('offline', { why: 'resting' }); }
    const pause = code === CODES.full ? 30000 : PAUSES[Math.min(this.tries, PAUSES.length - 1)];
    this.tries += 1;
    this.waiting = setTimeout(() => this.connect(), pause * (0.75 + Math.random() / 2));
    this.tell('offline', { why: code === CODES.full ? 'full' : 'offline' });
  }

  // Somebody is there again: not a moment to wait for a timer.
  wake() {
    if (document.visibilityState === 'hidden' || this.socket === null) return;
    if (this.resting || (this.waiting !== null && this.tries > 1)) this.connect();
    else if (performance.now() - (this.heardAt ?? 0) > BEAT) this.beat();
  }

  beat() {
    if (!this.ready) return;
    this.send({ t: 'ping' });
    const asked = performance.now();
    const socket = this.socket;
    setTimeout(() => { if (this.socket === socket && this.ready && (this.heardAt ?? 0) < asked) { socket.close(); this.cut(1006); } }, PATIENCE);
  }

  save() { keep(short, PLACE, this.queue.length ? JSON.stringify(this.queue) : null); }
}

/** Uploads a file; resolves to the ticket by which it may be sent. */
export async function upload(file, token) {
  const answer = await fetch(new URL('upload', document.baseURI).pathname, {
    method: 'POST', body: file, headers: { authorization: `Bearer ${token}`, 'x-file-name': encodeURIComponent(file.name) },
  });
  if (!answer.ok) throw Object.assign(new Error(`upload: ${answer.status}`), { status: answer.status });
  return (await answer.json()).ticket;
}
