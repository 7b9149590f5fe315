// The list of what has come. It is written once a frame, however much comes, and holds
// the newest entries alone.

import { clock, count } from "./words.js";

const kept = 500; // entries
const shownAtFirst = 1000; // characters of a payload
const atEnd = 60; // pixels from the end that still count as being there

export class Log {
  constructor(list, quiet, newest) {
    this.list = list;
    this.quiet = quiet;
    this.newest = newest;
    this.waiting = []; // functions that make an entry
    this.frame = 0;
    this.unseen = 0; // entries below what is visible
    this.follows = true; // the newest entry is to be visible
    list.addEventListener("scroll", () => {
      if (list.clientHeight !== this.height || list.clientWidth !== this.width) return; // nobody has scrolled
      this.follows = list.scrollHeight - list.scrollTop - list.clientHeight < atEnd;
      if (this.follows) this.seen();
    }, { passive: true });
    newest.addEventListener("click", () => {
      this.toEnd();
      list.focus({ preventScroll: true });
    });
    new ResizeObserver(() => {
      this.height = list.clientHeight;
      this.width = list.clientWidth;
      if (this.follows) this.toEnd();
    }).observe(list);
  }

  message(m) { this.add(() => messageEntry(m)); }
  gap(words) { this.add(() => gapEntry(words)); }
  note(text) { this.add(() => entry("note", text)); }

  add(make) {
    this.waiting.push(make);
    if (this.waiting.length > 2 * kept) this.waiting.splice(0, kept); // a hidden page has no frames
    this.frame ||= requestAnimationFrame(() => this.write());
  }

  write() {
    this.frame = 0;
    const makes = this.waiting.slice(-kept);
    this.waiting = [];
    this.list.append(...makes.map((make) => make()));
    while (this.list.childElementCount > kept) this.list.firstElementChild.remove();
    this.quiet.hidden = true;
    if (this.follows) {
      this.toEnd();
    } else {
      this.unseen += makes.length;
      this.newest.textContent = `${count(this.unseen, "new entry", "new entries")} ↓`;
      this.newest.hidden = false;
    }
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
    this.follows = true;
    this.seen();
  }

  seen() {
    this.unseen = 0;
    this.newest.hidden = true;
  }
}

// hue is the color of a channel's name, always the same.
export function hue(name) {
  let hash = 7;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) % 9973;
  return hash * 137 % 360;
}

// nameOf is an element with a channel's name.
export function nameOf(channel) {
  const name = element("span", "name", channel);
  name.style.setProperty("--hue", hue(channel));
  name.title = channel;
  return name;
}

function messageEntry(m) {
  const item = entry("message");
  const payload = element("span", "payload");
  if (m.payload.length > shownAtFirst) {
    payload.append(m.payload.slice(0, shownAtFirst) + "…");
    const more = element("button", "", `Show all ${m.payload.length.toLocaleString("en")} characters`);
    more.type = "button";
    more.addEventListener("click", () => payload.replaceChildren(m.payload));
    payload.append(more);
  } else if (m.payload === "") {
    payload.append(element("span", "aside", "(empty)"));
  } else {
    payload.append(m.payload);
  }
  if (m.binary) payload.append(element("span", "aside", " (not text: some bytes can’t be shown)"));
  item.append(timeOf(m.time), nameOf(m.channel), payload);
  return item;
}

function gapEntry(words) {
  const item = entry("gap");
  item.append(element("strong", "", words.title), element("span", "", words.detail));
  return item;
}

function timeOf(milliseconds) {
  const time = element("time", "", clock(milliseconds));
  time.dateTime = new Date(milliseconds).toISOString();
  return time;
}

function entry(kind, text = "") { return element("li", kind, text); }

function element(tag, kind, text = "") {
  const e = document.createElement(tag);
  if (kind) e.className = kind;
  e.textContent = text;
  return e;
}
