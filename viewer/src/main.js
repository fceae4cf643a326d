import { Vector3 } from "three";
import { createCards } from "./card.js";
import { byId, grouped } from "./dom.js";
import { createKeys } from "./keys.js";
import { createLegend } from "./legend.js";
import { Page } from "./page.js";
import { createSearch } from "./search.js";
import { createStage } from "./stage.js";
import { createStore } from "./state.js";
import { Timeline } from "./timeline.js";

async function start() {
  const page = new Page();
  document.title = page.title;
  byId("title").textContent = page.title;
  byId("facts").textContent = page.facts.join(" · ");
  byId("stage").ariaLabel = `Map of ${grouped(page.count)} pictures in three dimensions; arrow keys turn it`;

  const [data] = await Promise.all([page.series(0), page.open()]);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const systemTheme = () => (dark.matches ? "dark" : "light");
  const store = createStore({
    series: 0,
    data, // of that series
    epoch: data.epochs.length - 1, // the one chosen, counted from 0
    at: data.epochs.length - 1, // where the points are on their way to it
    playing: false,
    colour: page.classes.length > 1 ? "label" : "error",
    hiddenClasses: new Set(),
    hiddenPairs: new Set(), // 0: those with a known clean picture, 1: those without
    hovered: -1,
    pinned: -1,
    pointer: { x: 0, y: 0 },
    theme: systemTheme(),
    themeChosen: false,
    size: 1,
  });
  const { state } = store;

  let latest = 0; // the series asked for last wins, whichever is read first
  async function chooseSeries(series) {
    latest = series;
    const data = await page.series(series);
    if (latest !== series) return;
    const wanted = state.data.epochs[state.epoch];
    const distances = data.epochs.map((epoch) => Math.abs(epoch - wanted));
    const epoch = distances.indexOf(Math.min(...distances));
    store.set({ series, data, epoch, at: epoch, playing: false, hovered: -1 });
  }

  function goTo(point) {
    store.set({ pinned: point, hovered: -1 });
    const place = new Vector3().fromArray(state.data.maps[state.epoch], 3 * point);
    stage.camera.flyTo(place.multiplyScalar(2 / 65535).subScalar(1));
  }

  const switchTheme = () => store.set({ theme: state.theme === "dark" ? "light" : "dark", themeChosen: true });
  dark.onchange = () => state.themeChosen || store.set({ theme: systemTheme() });
  const { dataset } = document.documentElement;
  store.on(["theme", "colour"], ({ theme, colour }) => Object.assign(dataset, { theme, colour }));

  createLegend(page, store, chooseSeries);
  createCards(page, store, goTo);
  createSearch(page, goTo);
  const timeline = new Timeline(store);
  const stage = createStage(page, store, timeline);
  createKeys({ store, camera: stage.camera, timeline, chooseSeries, switchTheme });
  byId("theme").onclick = switchTheme;
  byId("home").onclick = () => stage.camera.home();
  byId("help-button").onclick = () => byId("help").showModal();

  window.unalter = { state, ...stage, ready: performance.now() }; // for tests and benchmarks
  dataset.ready = "";
}

start().catch((error) => {
  byId("note").textContent = `The page cannot be shown: ${error.message}`;
  throw error;
});
