import { Vector3 } from "three";
import { Camera } from "./camera.js";
import { createCards, neighboursOf } from "./card.js";
import { pointColours, themeColours, UNKNOWN } from "./colours.js";
import { byId, grouped } from "./dom.js";
import { createKeys } from "./keys.js";
import { PlainLayer } from "./layer-plain.js";
import { createWebglLayer } from "./layer-webgl.js";
import { createLegend } from "./legend.js";
import { Marks } from "./marks.js";
import { Page } from "./page.js";
import { createPointer } from "./pointer.js";
import { pick, project } from "./projection.js";
import { createSearch } from "./search.js";
import { createStore } from "./state.js";
import { between, Timeline } from "./timeline.js";

const QUANTILE = 0.99; // what lies beyond does not set a scale
const KEPT_FRAMES = 1000;

async function start() {
  const page = new Page();
  document.title = page.title;
  byId("title").textContent = page.title;
  byId("facts").textContent = page.facts.join(" · ");
  const [first] = await Promise.all([page.series(0), page.open()]);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const systemTheme = () => (dark.matches ? "dark" : "light");
  const last = first.epochs.length - 1;
  const store = createStore({
    series: 0, data: measured(first), epoch: last, at: last, playing: false,
    colour: page.classes.length > 1 ? "label" : "error", hiddenClasses: new Set(), hiddenPairs: new Set(),
    hovered: -1, pinned: -1, pointer: { x: 0, y: 0 }, theme: systemTheme(), themeChosen: false, size: 1,
  });
  const { state } = store;
  const stage = byId("stage");
  stage.setAttribute("aria-label", `Map of ${grouped(page.count)} pictures in three dimensions; arrow keys turn it`);

  // Drawing: once for all that changed since the last frame, and not at all when nothing did.
  const frames = [];
  let asked = false;
  let redraw = true; // whether the points have to be drawn, not only the marks over them
  let before = 0;
  const ask = () => {
    if (!asked) requestAnimationFrame(frame);
    asked = true;
  };
  const askAll = () => {
    redraw = true;
    ask();
  };
  const camera = new Camera(stage, ask);
  const layer = createWebglLayer(byId("points"), page.count, askAll) ?? plainLayer();
  const marks = new Marks(byId("marks"));
  const pointer = createPointer(stage, store, ask);
  const timeline = new Timeline(store);
  const projected = new Float32Array(3 * page.count);
  let rgba;
  let stale = true; // whether `projected` is older than the view
  let width, height;

  function frame(now) {
    const began = performance.now();
    asked = false;
    const elapsed = Math.min(100, now - before);
    before = now;
    const moved = camera.update(now);
    const running = timeline.advance(elapsed);
    const reach = state.size * state.data.radius * radius(page.count) * (height / 2) * camera.lens.projectionMatrix.elements[5];
    const place = between(state);
    const needed = pointer.wanted || state.pinned >= 0 || state.hovered >= 0 || layer instanceof PlainLayer;
    stale ||= moved || running;
    if (needed && stale) {
      project(place, camera.lens, width, height, projected);
      stale = false;
    }
    if (pointer.wanted) {
      const { x, y, slack, then } = pointer.wanted;
      pointer.wanted = null;
      then(pick(projected, rgba, x, y, reach, slack), { x, y });
    }
    if (redraw || moved || running) layer.draw(place, camera, reach, projected);
    redraw = false;
    const neighbours = neighboursOf(state.pinned, state.data);
    marks.draw({ ...state, neighbours }, projected, reach, themeColours(state.theme).ink);
    if (moved || running) ask();
    frames.push(performance.now() - began);
    if (frames.length > KEPT_FRAMES) frames.shift();
  }

  function plainLayer() {
    byId("plain").hidden = false;
    return new PlainLayer(byId("points"));
  }

  let latest = 0; // the series asked for last wins, whichever is read first
  async function chooseSeries(series) {
    latest = series;
    const data = measured(await page.series(series));
    if (latest !== series) return;
    const wanted = state.data.epochs[state.epoch];
    const nearness = data.epochs.map((epoch) => Math.abs(epoch - wanted));
    const epoch = nearness.indexOf(Math.min(...nearness));
    store.set({ series, data, epoch, at: epoch, playing: false, hovered: -1 });
  }

  function goTo(point) {
    store.set({ pinned: point, hovered: -1 });
    const { data, epoch } = state;
    const place = new Vector3().fromArray(data.maps[epoch], 3 * point);
    camera.flyTo(place.multiplyScalar(2 / 65535).subScalar(1));
  }

  const switchTheme = () => store.set({ theme: state.theme === "dark" ? "light" : "dark", themeChosen: true });
  dark.addEventListener("change", () => state.themeChosen || store.set({ theme: systemTheme() }));
  byId("theme").onclick = switchTheme;
  byId("help-button").onclick = () => byId("help").showModal();
  byId("home").onclick = () => camera.home();

  createLegend(page, store, chooseSeries);
  createCards(page, store, goTo);
  createSearch(page, goTo);
  createKeys({
    store, camera, timeline, chooseSeries, switchTheme,
    resize: (factor) => store.set({ size: Math.min(6, Math.max(0.3, state.size * factor)) }),
  });

  store.on(["data"], ({ data }) => {
    camera.radius = 1.06 * data.radius;
    if (camera.atHome) camera.home(false);
  });
  store.on(["theme", "colour"], ({ theme, colour }) => Object.assign(document.documentElement.dataset, { theme, colour }));
  store.on(["data", "colour", "theme", "hiddenClasses", "hiddenPairs"], () => {
    rgba = pointColours(state, page);
    layer.colour(rgba, themeColours(state.theme).background);
    let shown = 0;
    for (let i = 3; i < rgba.length; i += 4) shown += rgba[i] > 0;
    byId("shown").textContent = `${grouped(shown)} of ${grouped(page.count)} points`;
  });
  store.on(["hovered", "pinned"], ask);
  store.on(["data", "at", "epoch", "playing", "colour", "theme", "hiddenClasses", "hiddenPairs", "size"], askAll);
  store.on(["data", "at"], () => (stale = true));

  function fit() {
    ({ clientWidth: width, clientHeight: height } = stage);
    const ratio = Math.min(2, devicePixelRatio);
    layer.resize(width, height, ratio);
    marks.resize(width, height, ratio);
    camera.resize(width, height);
    stale = true;
    askAll();
  }
  new ResizeObserver(fit).observe(stage);
  fit();

  // For tests and benchmarks: where a point is on the screen, and how long the script took for the last frames.
  const where = (point) => {
    camera.update(performance.now());
    project(between(state), camera.lens, width, height, projected);
    return [...projected.subarray(3 * point, 3 * point + 3)];
  };
  window.unalter = { state, camera, frames, where, ready: performance.now() };
  document.documentElement.dataset.ready = "";
}

/** The radius of a point where all fill a ball of radius 1: a share of the distance to the next one. */
const radius = (count) => Math.min(0.013, Math.max(0.0022, 0.3 * count ** (-1 / 3)));

/** The series with the quantised error at which its colour scale ends, and the radius that holds nearly all its points. */
function measured(data) {
  if (data.scaleEnd !== undefined) return data;
  const quantile = (sorted) => sorted[Math.floor(QUANTILE * (sorted.length - 1))];
  data.scaleEnd = Math.max(1, quantile(data.error.filter((error) => error !== UNKNOWN).sort()) ?? 1);
  const map = data.maps.at(-1);
  const radii = new Float32Array(map.length / 3);
  const coordinate = (i) => (2 * map[i]) / 65535 - 1;
  for (let i = 0; i < radii.length; i++) {
    radii[i] = Math.hypot(coordinate(3 * i), coordinate(3 * i + 1), coordinate(3 * i + 2));
  }
  data.radius = quantile(radii.sort());
  return data;
}

start();
