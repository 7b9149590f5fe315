// What a reader of screens says: how the links are at once, and messages at most every
// few seconds, summed up where there were several.

import { count } from "./words.js";

const pause = 4000; // milliseconds between two announcements of messages

export class Announcer {
  constructor(place) {
    this.place = place;
    this.number = 0; // of messages since the last announcement
    this.last = null;
    this.timer = 0;
  }

  say(text) { this.place.textContent = text; }

  message(m) {
    this.number++;
    this.last = m;
    this.timer ||= setTimeout(() => this.sum(), pause);
  }

  sum() {
    this.timer = 0;
    const text = `${this.last.channel}: ${this.last.payload.slice(0, 200)}`;
    this.say(this.number === 1 ? text : `${count(this.number, "message", "messages")}, the last on ${text}`);
    this.number = 0;
  }
}
