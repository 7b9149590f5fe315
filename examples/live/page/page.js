// The page: which channels are followed, how the links are, and publishing.

import { Announcer } from "./announcer.js";
import { Log, nameOf } from "./log.js";
import { Stream } from "./stream.js";
import { clock, gapWords, span } from "./words.js";

const mostChannels = 16; // as the server has it

const at = (id) => document.getElementById(id);
const log = new Log(at("log"), at("quiet"), at("newest"));
const announcer = new Announcer(at("announcer"));

// Link shows how a link is, and, while it is lost, for how long.
class Link {
  constructor(place, texts) {
    this.place = place;
    this.texts = texts; // by state
    this.state = "connecting";
  }

  set(state, since = Date.now()) {
    if (state === this.state) return false;
    this.state = this.place.dataset.state = state;
    this.since = since;
    this.show();
    return true;
  }

  show() {
    let text = this.texts[this.state];
    if (this.state === "lost") {
      const lasted = Math.floor((Date.now() - this.since) / 1000);
      text += `${lasted > 0 ? ` for ${span(1000 * lasted)}` : ""}, trying again`;
    }
    this.place.querySelector(".says").textContent = text;
  }
}

const redis = new Link(at("redis"), { connecting: "connecting", up: "up", lost: "lost", unknown: "unknown" });
const self = new Link(at("self"), { connecting: "connecting", up: "connected", lost: "disconnected", idle: "follows nothing", refused: "not connected" });
setInterval(() => {
  for (const link of [redis, self]) if (link.state === "lost") link.show();
}, 1000);

const stream = new Stream({
  message(m) {
    log.message(m);
    announcer.message(m);
  },
  gap(gap) {
    const words = gapWords(gap);
    log.gap(words);
    announcer.say(`${words.title}. ${words.detail}`);
  },
  link({ state, time }) {
    const before = redis.state;
    if (!redis.set(state, time)) return;
    if (state === "lost") {
      log.note(`${clock(time)} – the link to Redis is lost`);
      announcer.say("The link to Redis is lost, trying again");
    } else if (state === "up" && before === "lost") {
      log.note(`${clock(time)} – the link to Redis is back`);
      announcer.say("The link to Redis is back");
      if (refusedForNow) outcome("Redis is back: what was not published can be tried again.");
    }
  },
  refused({ error }) {
    at("trouble").textContent = error;
    self.set("refused");
    redis.set("unknown");
  },
  open() {
    at("trouble").textContent = "";
    if (self.state === "lost") {
      log.note(`${clock(Date.now())} – this page is connected again`);
      announcer.say("This page is connected again");
    }
    self.set("up");
  },
  lost() {
    if (!self.set("lost")) return;
    redis.set("unknown");
    log.note(`${clock(Date.now())} – this page is disconnected from its server`);
    announcer.say("This page is disconnected from its server, trying again");
  },
});

// The channels followed stand in the page's address, so that it can be kept and sent.
let channels = new URLSearchParams(location.search).getAll("channel");
if (channels.length === 0) channels = ["clock", "news"];

function follow(names) {
  channels = [...new Set(names)].sort();
  const query = new URLSearchParams(channels.map((name) => ["channel", name]));
  history.replaceState(null, "", channels.length > 0 ? "?" + query : location.pathname);
  at("channels").replaceChildren(...channels.map(chip));
  at("known").replaceChildren(...channels.map((name) => new Option(name)));
  at("trouble").textContent = "";
  self.set(channels.length > 0 ? "connecting" : "idle");
  redis.set(channels.length > 0 ? "connecting" : "unknown");
  stream.follow(channels);
}

function refollow(names) {
  follow(names);
  log.note(channels.length > 0 ? `From here on: ${channels.join(", ")}` : "From here on: nothing");
}

function chip(name) {
  const item = document.createElement("li");
  const end = document.createElement("button");
  end.type = "button";
  end.textContent = "×";
  end.setAttribute("aria-label", `Stop following ${name}`);
  end.addEventListener("click", () => {
    refollow(channels.filter((other) => other !== name));
    at("name").focus();
  });
  item.append(nameOf(name), end);
  return item;
}

at("follow").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = at("name").value.trim();
  if (name === "") return;
  if (channels.length >= mostChannels && !channels.includes(name)) {
    at("trouble").textContent = `A page follows ${mostChannels} channels at most: stop following one first.`;
    return;
  }
  at("name").value = "";
  if (!channels.includes(name)) refollow([...channels, name]);
});

let refusedForNow = false; // the last message was not published, for want of Redis

// outcome says what became of the last message published.
function outcome(text, bad = false) {
  refusedForNow = false;
  at("outcome").textContent = text;
  at("outcome").classList.toggle("bad", bad);
}

at("text").addEventListener("input", () => outcome(""));

at("publish").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new URLSearchParams(new FormData(event.target));
  outcome("");
  try {
    const answer = await fetch("publish", { method: "POST", body: form });
    if (!answer.ok) {
      outcome(await answer.text(), true);
      refusedForNow = answer.status === 503;
      return;
    }
  } catch {
    outcome("Maybe published, maybe not: this page has no connection to its server.", true);
    return;
  }
  if (at("text").value === form.get("message")) at("text").value = "";
  const channel = form.get("channel");
  outcome(channels.includes(channel) ? `Published on ${channel}.` : `Published on ${channel}, which this page does not follow.`);
});

addEventListener("pagehide", () => stream.stop()); // a page kept for "back" needs no stream
addEventListener("pageshow", (event) => {
  if (!event.persisted || channels.length === 0) return;
  self.set("connecting");
  stream.resume();
});

at("channel").value = channels.includes("news") ? "news" : channels[0];
follow(channels);
