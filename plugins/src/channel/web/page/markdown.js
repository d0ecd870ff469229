// Markdown as elements. Words only ever become text nodes, and links lead to http, https and mail alone: whatever a model or
// a person writes, nothing of it runs.
const SAFE = /^(https?:\/\/|mailto:)/i;
const INLINE = /(`+)([^`]+?)\1|\*\*([^*]+?)\*\*|__([^_]+?)__|\*([^*\s][^*]*?)\*|!?\[([^\]]*)\]\(\s*<?([^\s)>]+)>?[^)]*\)|(https?:\/\/[^\s<>"'`，。；！？）】》」]+)/g;

const element = (tag, ...children) => { const made = document.createElement(tag); made.append(...children); return made; };

function link(label, target) {
  if (!SAFE.test(target)) return document.createTextNode(label);
  const made = element('a', label || target);
  made.href = target; made.target = '_blank'; made.rel = 'noopener noreferrer nofollow';
  return made;
}

function inline(text, depth = 0) {
  const made = document.createDocumentFragment();
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const [all, , code, strong, strong2, soft, label, target, address] = found;
    made.append(text.slice(from, found.index));
    from = found.index + all.length;
    const inner = (words) => depth < 4 ? inline(words, depth + 1) : words;
    if (code !== undefined) made.append(element('code', code));
    else if (strong ?? strong2) made.append(element('strong', inner(strong ?? strong2)));
    else if (soft !== undefined) made.append(element('em', inner(soft)));
    else if (target !== undefined) made.append(link(label, target));
    else if (address) made.append(link(address, address));
  }
  made.append(text.slice(from));
  return made;
}

/** Words as they stand, with their links made clickable. */
export function plain(text) {
  const made = element('p');
  made.className = 'plain';
  let from = 0;
  for (const found of text.matchAll(/https?:\/\/[^\s<>"'`，。；！？）】》」]+/g)) {
    made.append(text.slice(from, found.index), link(found[0], found[0]));
    from = found.index + found[0].length;
  }
  made.append(text.slice(from));
  return made;
}

/** Markdown: paragraphs, headings, lists, fences, tables as they stand. */
export function markdown(text) {
  const made = document.createDocumentFragment();
  let paragraph = [], list = null, fence = null;
  const close = () => {
    if (paragraph.length) {
      const p = element('p');
      paragraph.forEach((line, at) => p.append(...(at ? [document.createElement('br')] : []), inline(line)));
      made.append(p);
    }
    paragraph = []; list = null;
  };
  for (const line of text.split(/\r?\n/)) {
    if (fence !== null) {
      if (/^\s*(```|~~~)/.test(line)) { made.append(element('pre', element('code', fence.join('\n')))); fence = null; } else fence.push(line);
      continue;
    }
    const item = /^\s*(?:([-*+•])|(\d{1,4})[.)、])\s+(.*)$/.exec(line);
    const heading = /^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line);
    if (/^\s*(```|~~~)/.test(line)) { close(); fence = []; }
    else if (heading) { close(); made.append(element('p', element('strong', inline(heading[1])))); }
    else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) { close(); made.append(document.createElement('hr')); }
    else if (item) {
      const kind = item[1] ? 'UL' : 'OL';
      if (list?.tagName !== kind) { close(); list = document.createElement(kind); if (item[2]) list.start = Number(item[2]); made.append(list); }
      list.append(element('li', inline(item[3])));
    } else if (!line.trim()) close();
    else { if (list) close(); paragraph.push(line.replace(/^\s*>\s?/, '')); }
  }
  if (fence !== null) made.append(element('pre', element('code', fence.join('\n'))));
  close();
  return made;
}
