// Epochs: the slider, the play button, and where between two epochs the points are (`state.at`).

import { byId, make } from "./dom.js";

const STEP = 900; // milliseconds from one epoch to the next
const MOST_TICKS = 8;

export class Timeline {
  constructor(store) {
    this.store = store;
    this.slider = byId("epoch");
    this.slider.oninput = () => store.set({ epoch: Number(this.slider.value), playing: false });
    byId("play").onclick = () => this.toggle();
    store.on(["data"], ({ data }) => this.#show(data));
    store.on(["epoch", "data"], ({ epoch, data }) => {
      this.slider.value = epoch;
      this.slider.setAttribute("aria-valuetext", `epoch ${data.epochs[epoch]}`);
      byId("epoch-name").textContent = `Epoch ${data.epochs[epoch]}`;
      byId("note").textContent = data.notes[epoch];
    });
    store.on(["playing"], ({ playing }) => {
      byId("play").dataset.playing = playing;
      byId("play").setAttribute("aria-label", playing ? "Pause" : "Play the epochs");
    });
  }

  toggle() {
    const { state } = this.store;
    const last = state.data.epochs.length - 1;
    if (last === 0) return;
    if (!state.playing && state.epoch === last) this.store.set({ epoch: 0, at: 0 });
    this.store.set({ playing: !state.playing });
  }

  step(by) {
    const { epoch, data } = this.store.state;
    this.store.set({ epoch: Math.min(data.epochs.length - 1, Math.max(0, epoch + by)), playing: false });
  }

  /** Let the points move for `elapsed` milliseconds; whether they go on. */
  advance(elapsed) {
    const { at, epoch, playing, data } = this.store.state;
    if (at === epoch) {
      if (!playing) return false;
      const next = Math.min(epoch + 1, data.epochs.length - 1);
      this.store.set(next === epoch ? { playing: false } : { epoch: next });
      return next !== epoch;
    }
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const way = still ? Infinity : (Math.max(1, Math.abs(epoch - at)) * elapsed) / STEP;
    this.store.set({ at: at < epoch ? Math.min(epoch, at + way) : Math.max(epoch, at - way) });
    return true;
  }

  #show({ epochs }) {
    byId("timeline").classList.toggle("single", epochs.length === 1);
    this.slider.max = epochs.length - 1;
    const every = Math.ceil(epochs.length / MOST_TICKS);
    const ticks = epochs.map((epoch, index) => {
      const tick = make("span", {}, index % every === 0 || index === epochs.length - 1 ? String(epoch) : "");
      tick.style.left = `${(100 * index) / Math.max(1, epochs.length - 1)}%`;
      return tick;
    });
    byId("ticks").replaceChildren(...ticks);
  }
}

/** The two maps between which the points are, and how far: slow near an epoch, so that each is seen. */
export function between({ at, data }) {
  const below = Math.min(Math.floor(at), Math.max(0, data.maps.length - 2));
  const share = at - below;
  const above = Math.min(below + 1, data.maps.length - 1);
  return { here: data.maps[below], there: data.maps[above], mix: share * share * (3 - 2 * share) };
}
