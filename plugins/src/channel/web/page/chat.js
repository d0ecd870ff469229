// The page: what is heard becomes lines, what is done becomes words on the wire.
import { isFramed, meetSite, tellSite } from './frame.js';
import { fate, line as drawn, takeBack, time, waiting as waitingOf } from './view.js';
import { canRecord, Recording } from './voice.js';
import { upload, Wire } from './wire.js';
import { language, words } from './words.js';

const at = (id) => document.getElementById(id);
const [log, lines, waiting, text] = ['log', 'lines', 'waiting', 'text'].map(at);
const wire = new Wire();
const known = new Map(); // what is said and not in the transcript yet: key → element
const traces = new Set(); // numbers of what is in the transcript
const takenBack = new Set(); // numbers of what agents have taken back
let limits = { text: 6000, upload: 1e7, voice: 60, types: [] };
let phase = null;
let firstAt = null, lastAt = null, first = null, unread = 0, typing = null;
let newest = 0, shown = 0; // the last line of another's, and the last one that was seen

// --- the looks ---
document.documentElement.lang = language;
const accent = document.querySelector('meta[name=theme-color]').content;
const [red, green, blue] = [1, 3, 5].map((from) => parseInt(accent.slice(from, from + 2), 16));
document.documentElement.style.setProperty('--accent', accent);
document.documentElement.style.setProperty('--on-accent', 0.299 * red + 0.587 * green + 0.114 * blue > 170 ? '#111' : '#fff');
for (const id of ['close', 'attach', 'record']) { at(id).setAttribute('aria-label', words[id]); at(id).title = words[id]; }
for (const id of ['earlier', 'send', 'discard', 'finish']) at(id).textContent = words[id];
at('typing-words').textContent = words.typing;
text.placeholder = words.placeholder; text.setAttribute('aria-label', words.placeholder);
at('state').textContent = words.connecting;
at('close').hidden = !isFramed;
at('record').hidden = !canRecord();

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;
const toEnd = () => { log.scrollTop = log.scrollHeight; };
let notices = null;
function notice(words) {
  at('notice').textContent = words; at('notice').hidden = false;
  clearTimeout(notices); notices = setTimeout(() => { at('notice').hidden = true; }, 6000);
}

// --- what is heard ---
function choose({ id, label }) { closeMenus(lines); say({ kind: 'choice', choice: id, label }); }

// Old menus stay where they are and cannot be tapped any more.
const closeMenus = (within) => within.querySelectorAll('.choices button').forEach((button) => { button.disabled = true; });

/** A line takes back others; they may have been shown, or come later when somebody scrolls up. */
function hearRecall({ by, content }) {
  if (content.kind !== 'recalled') return false;
  takenBack.add(content.trace);
  lines.querySelectorAll(`.line.agent[data-trace="${content.trace}"]`).forEach(takeBack);
  return by === 'agent';
}
function lineOf(line, tapped) {
  const made = drawn(line, tapped);
  if (line.by === 'agent' && takenBack.has(line.trace)) takeBack(made);
  return made;
}

function add(line) {
  if (hearRecall(line)) { first ??= line.n; return; }
  if (line.by === 'contact') { closeMenus(lines); settle(line.trace); }
  else { newest = Math.max(newest, line.n); showTyping(false); unread += document.hidden || isFramed ? 1 : 0; }
  traces.add(line.trace);
  const day = time(line.at, lastAt);
  if (day) lines.append(day);
  lines.append(lineOf(line, choose));
  first ??= line.n; firstAt ??= line.at; lastAt = line.at;
}

/** Tells what was seen: not in a tab at the back, nor in a frame that the site has put away. */
function look() {
  if (document.hidden || log.clientHeight === 0 || newest <= shown) return;
  shown = newest;
  wire.shown(wire.last);
}
for (const [target, event] of [[document, 'visibilitychange'], [window, 'focus'], [window, 'resize']]) target.addEventListener(event, look);

/** The line of something said is there: its waiting double goes. */
function settle(trace) {
  for (const [key, { element, trace: own }] of known) if (own === trace) { element.remove(); known.delete(key); }
}

wire.addEventListener('welcome', ({ detail }) => {
  limits = detail.limits;
  at('title').textContent = detail.title; document.title = detail.title;
  at('greeting').textContent = detail.greeting; at('greeting').hidden = !detail.greeting;
  at('file').accept = limits.types.join(',');
  at('state').textContent = words.ready;
  document.body.dataset.wire = 'open';
  tellSite({ is: 'token', token: detail.token });
});
wire.addEventListener('lines', ({ detail }) => {
  const follow = atEnd();
  detail.lines.forEach(add);
  if (follow) toEnd();
  look();
  tellSite({ is: 'unread', count: unread });
});
wire.addEventListener('earlier', ({ detail }) => {
  const from = log.scrollHeight - log.scrollTop, fresh = first === null;
  if (fresh) { detail.lines.forEach(add); toEnd(); look(); unread = 0; } else {
    const older = document.createDocumentFragment();
    let before = null;
    for (const line of detail.lines.filter((one) => !hearRecall(one))) {
      const day = time(line.at, before);
      if (day) older.append(day);
      older.append(lineOf(line, choose));
      before = line.at;
    }
    closeMenus(older);
    lines.prepend(older);
    first = detail.lines[0]?.n ?? first;
    log.scrollTop = log.scrollHeight - from;
  }
  at('earlier').hidden = !detail.more;
  at('greeting').hidden ||= detail.more;
});
wire.addEventListener('taken', ({ detail }) => {
  for (const [key, entry] of known) {
    if (entry.item.id !== detail.id) continue;
    if (detail.trace === null || traces.has(detail.trace)) { entry.element.remove(); known.delete(key); }
    else { entry.trace = detail.trace; fate(entry.element, words.sent); }
  }
});
wire.addEventListener('refused', ({ detail: { item, why, again } }) => {
  const entry = known.get(item.key);
  if (!entry) return;
  const anew = () => { entry.element.remove(); known.delete(item.key); say(item.what, entry.local); };
  fate(entry.element, words[why] ?? words.malformed, again ? undefined : anew);
});
wire.addEventListener('state', ({ detail: { phase: now, agent, position } }) => {
  phase = now;
  const told = { assigned: () => words.assigned(agent ?? ''), queued: () => position ? words.position(position) : words.queued };
  at('state').textContent = told[phase]?.() ?? words[phase] ?? '';
});
wire.addEventListener('typing', () => showTyping(true));
wire.addEventListener('offline', ({ detail }) => { at('state').textContent = words[detail.why]; document.body.dataset.wire = 'cut'; });
wire.addEventListener('reset', () => { lines.replaceChildren(); firstAt = lastAt = first = null; newest = shown = 0; traces.clear(); takenBack.clear(); at('earlier').hidden = true; tellSite({ is: 'token', token: null }); });

function showTyping(on) {
  const follow = atEnd();
  clearTimeout(typing);
  at('typing').hidden = !on;
  // A person's client says again that they type; an assistant says it once.
  if (on) typing = setTimeout(() => showTyping(false), phase === 'assigned' ? 8000 : 90000);
  if (follow) toEnd();
}

// --- what is done ---
function say(what, local) {
  const item = wire.say(what);
  const element = waitingOf(what, local);
  known.set(item.key, { item, element, local });
  waiting.append(element);
  toEnd();
}
for (const item of wire.queue) { const element = waitingOf(item.what); known.set(item.key, { item, element }); waiting.append(element); }

function write() {
  const said = text.value.trim();
  if (!said) return;
  if (new TextEncoder().encode(said).length > limits.text) return notice(words.too_long);
  text.value = ''; grow();
  say({ kind: 'text', text: said });
}
function grow() { text.style.height = 'auto'; text.style.height = `${text.scrollHeight + 2}px`; }

async function sendFile(file, seconds) {
  if (file.size > limits.upload) return notice(words.upload_size(words.bytes(limits.upload)));
  const local = { kind: 'text', text: seconds ? `🎤 ${seconds}″` : `📄 ${file.name}` };
  const element = waitingOf({}, local);
  fate(element, words.uploading);
  waiting.append(element); toEnd();
  try {
    const ticket = await upload(file, wire.token);
    element.remove();
    say({ kind: 'upload', ticket, ...(seconds ? { seconds } : {}) }, local);
  } catch ({ status }) {
    const why = { 413: words.upload_size(words.bytes(limits.upload)), 415: words.upload_type, 429: words.upload_fast }[status] ?? words.upload_failed;
    fate(element, why, [413, 415].includes(status) ? null : () => { element.remove(); sendFile(file, seconds); });
  }
}

at('say').addEventListener('submit', (event) => { event.preventDefault(); write(); });
text.addEventListener('input', grow);
text.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); write(); }
});
at('earlier').addEventListener('click', () => wire.earlier(first));
at('attach').addEventListener('click', () => at('file').click());
at('file').addEventListener('change', () => { [...at('file').files].slice(0, 9).forEach((file) => sendFile(file)); at('file').value = ''; });
// Only now: what was typed before would have gone nowhere.
text.disabled = false;
text.addEventListener('paste', (event) => {
  const files = [...event.clipboardData.files];
  if (files.length) { event.preventDefault(); files.slice(0, 9).forEach((file) => sendFile(file)); }
});
log.addEventListener('dragover', (event) => event.preventDefault());
log.addEventListener('drop', (event) => { event.preventDefault(); [...event.dataTransfer.files].slice(0, 9).forEach((file) => sendFile(file)); });

let recording = null, ticking = null;
function stopRecording() {
  clearInterval(ticking);
  at('recording').hidden = true; at('writing').hidden = false;
  const was = recording;
  recording = null;
  return was;
}
at('record').addEventListener('click', async () => {
  try { recording = await Recording.start(); } catch { return notice(words.microphone); }
  at('recording').hidden = false; at('writing').hidden = true;
  at('length').textContent = '0″';
  at('finish').focus();
  ticking = setInterval(() => {
    at('length').textContent = `${Math.floor(recording.seconds)}″`;
    if (recording.seconds >= limits.voice) at('finish').click();
  }, 250);
});
at('discard').addEventListener('click', () => { stopRecording()?.discard(); text.focus(); });
at('finish').addEventListener('click', async () => {
  const { file, seconds } = await stopRecording().finish();
  text.focus();
  sendFile(file, seconds);
});

at('close').addEventListener('click', () => tellSite({ is: 'close' }));
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && isFramed) tellSite({ is: 'close' }); });
window.addEventListener('focus', () => { unread = 0; tellSite({ is: 'unread', count: 0 }); });

const here = new URLSearchParams(location.search);
meetSite().then((met) => wire.start({ token: met.token, name: met.name ?? here.get('name') ?? undefined, from: met.from ?? here.get('from') ?? undefined }));
