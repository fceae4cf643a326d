// The keyboard. Keys that a focused control needs for itself stay with it.

import { byId } from "./dom.js";

const TURN = 0.09; // radians
const SHIFT = 0.04; // of the distance
const ZOOM = 1.15;

export function createKeys({ store, camera, timeline, chooseSeries, switchTheme }) {
  const { state } = store;
  const next = (choices, now, by) => choices[(choices.indexOf(now) + by + choices.length) % choices.length];
  const radios = (name) => [...document.querySelectorAll(`input[name=${name}]`)].map(({ value }) => value);

  const resize = (factor) => store.set({ size: Math.min(6, Math.max(0.3, factor * state.size)) });

  const turns = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const actions = {
    "+": () => camera.zoom(1 / ZOOM),
    "=": () => camera.zoom(1 / ZOOM),
    "-": () => camera.zoom(ZOOM),
    0: () => camera.home(),
    " ": () => timeline.toggle(),
    ".": () => timeline.step(1),
    ",": () => timeline.step(-1),
    s: () => chooseSeries(Number(next(radios("series"), String(state.series), 1))),
    S: () => chooseSeries(Number(next(radios("series"), String(state.series), -1))),
    c: () => store.set({ colour: next(radios("colour"), state.colour, 1) }),
    a: () => store.set({ hiddenClasses: new Set(), hiddenPairs: new Set() }),
    "[": () => resize(1 / 1.2),
    "]": () => resize(1.2),
    t: switchTheme,
    "/": () => byId("search").focus(),
    "?": () => byId("help").showModal(),
    Escape: () => store.set({ pinned: -1, hovered: -1 }),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    const { target, key } = event;
    const turn = turns[key];
    if (turn ? target.matches("input") : target.matches("input[type=search]")) return;
    if (key === " " && target.matches("button, input")) return;
    if (turn && event.shiftKey) camera.shift(SHIFT * turn[0], -SHIFT * turn[1]);
    else if (turn) camera.turn(TURN * turn[0], TURN * turn[1]);
    else if (actions[key]) actions[key]();
    else return;
    event.preventDefault();
  });
}
