// The map itself: points and the marks over them, drawn when something changed and not otherwise.

import { Camera } from "./camera.js";
import { neighboursOf } from "./card.js";
import { pointColours, themeColours } from "./colours.js";
import { byId } from "./dom.js";
import { PlainLayer } from "./layer-plain.js";
import { createWebglLayer } from "./layer-webgl.js";
import { Marks } from "./marks.js";
import { createPointer } from "./pointer.js";
import { pick, project } from "./projection.js";
import { between } from "./timeline.js";

const KEPT_FRAMES = 1000;

export function createStage(page, store, timeline) {
  const { state } = store;
  const element = byId("stage");
  const camera = new Camera(element, ask);
  const layer = createWebglLayer(byId("points"), page.count, askAll) ?? new PlainLayer(byId("points"));
  const plain = layer instanceof PlainLayer;
  const marks = new Marks(byId("marks"));
  const pointer = createPointer(element, store, ask);
  const projected = new Float32Array(3 * page.count);
  const frames = []; // milliseconds of script
  let rgba, width, height;
  let asked = false;
  let redraw = true; // the points too, not only the marks over them
  let stale = true; // `projected` is older than the view
  let before = 0;
  byId("plain").hidden = !plain;

  function ask() {
    if (!asked) requestAnimationFrame(frame);
    asked = true;
  }

  function askAll() {
    redraw = true;
    ask();
  }

  function frame(now) {
    const began = performance.now();
    asked = false;
    const moved = camera.update(now);
    const running = timeline.advance(Math.min(100, now - before));
    before = now;
    draw(moved || running);
    if (moved || running) ask();
    frames.push(performance.now() - began);
    if (frames.length > KEPT_FRAMES) frames.shift();
  }

  function draw(moving) {
    const place = between(state);
    const pixelsAtOne = (height / 2) * camera.lens.projectionMatrix.elements[5]; // of a length of 1 at a depth of 1
    const reach = state.size * state.data.radius * pointRadius(page.count) * pixelsAtOne;
    stale ||= moving;
    if (stale && (pointer.wanted || state.pinned >= 0 || state.hovered >= 0 || plain)) {
      project(place, camera.lens, width, height, projected);
      stale = false;
    }
    if (pointer.wanted) {
      const { x, y, slack, then } = pointer.wanted;
      pointer.wanted = null;
      then(pick(projected, rgba, x, y, reach, slack), { x, y });
    }
    if (redraw || moving) layer.draw(place, camera, reach, projected);
    redraw = false;
    const neighbours = neighboursOf(state.pinned, state.data);
    marks.draw({ ...state, neighbours }, projected, reach, themeColours(state.theme).ink);
  }

  store.on(["data"], ({ data }) => {
    camera.radius = 0.95 * data.radius;
    if (camera.atHome) camera.home(false);
  });
  store.on(["data", "colour", "theme", "hiddenClasses", "hiddenPairs"], () => {
    rgba = pointColours(state, page);
    layer.colour(rgba, themeColours(state.theme).background);
  });
  store.on(["data", "at"], () => (stale = true));
  store.on(["data", "at", "epoch", "playing", "colour", "theme", "hiddenClasses", "hiddenPairs", "size"], askAll);
  store.on(["hovered", "pinned"], ask);

  function fit() {
    ({ clientWidth: width, clientHeight: height } = element);
    const ratio = Math.min(2, devicePixelRatio);
    layer.resize(width, height, ratio);
    marks.resize(width, height, ratio);
    camera.resize(width, height, uncovered(width));
    stale = true;
    askAll();
  }
  new ResizeObserver(fit).observe(element);
  fit();

  /** Where a point is on the screen, for tests: x, y, depth. */
  function where(point) {
    camera.update(performance.now());
    project(between(state), camera.lens, width, height, projected);
    return [...projected.subarray(3 * point, 3 * point + 3)];
  }

  return { camera, frames, where };
}

/** The part of the window that the panels leave free. They lie beside the map, on a phone above it. */
function uncovered(width) {
  const [header, panel, timeline] = ["header", "panel", "timeline"].map((id) => byId(id).getBoundingClientRect());
  const beside = panel.width < width / 2;
  const top = beside ? header.bottom : panel.bottom;
  return { left: beside ? panel.right : 0, right: width, top, bottom: timeline.top };
}

/** The radius of a point where all fill a ball of radius 1: a share of the distance to the next one. */
const pointRadius = (count) => Math.min(0.013, Math.max(0.0022, 0.3 * count ** (-1 / 3)));
