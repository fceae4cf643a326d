// Every point's colour and relative size; hidden points have none.

import { UNKNOWN } from "./page.js";

/**
 * Ten colours for ten classes, on light and on dark: searched for so that the two most alike are as far apart as can be
 * for normal sight and with protanopia, deuteranopia and tritanopia (0.16, 0.10, 0.10, 0.12 in OKLab, simulated as in
 * Machado et al. 2009; matplotlib's tab10 has 0.11, 0.01, 0.02, 0.04). Class 10 k + j has colour j: for k = 1 nearer to
 * the background, for k = 2 farther from it, then again from the start. What the eye confuses the legend isolates.
 */
const CLASSES = [
  "#3e60af", "#d3840c", "#019b7b", "#db2608", "#ad23ec", "#40d0b4", "#ac0e80", "#afca0a", "#9f81ca", "#f38fff",
];
const SHADES = [0, 0.45, -0.4];

/** Viridis (Smith and van der Walt 2015), perceptually uniform. A large error is the end far from the background. */
const VIRIDIS = [
  "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
].map(channels);

const THEMES = {
  light: { background: [251, 251, 249], ink: "#1b1d21", neutral: [178, 181, 188], ramp: [0.92, 0] },
  dark: { background: [18, 19, 23], ink: "#f2f3f5", neutral: [92, 96, 106], ramp: [0.15, 1] },
};

export const themeColours = (theme) => THEMES[theme];

export function classColour(index, theme) {
  const shade = SHADES[Math.floor(index / CLASSES.length) % SHADES.length];
  const towards = shade >= 0 ? THEMES[theme].background : theme === "dark" ? [255, 255, 255] : [0, 0, 0];
  return channels(CLASSES[index % CLASSES.length]).map((level, c) => level + Math.abs(shade) * (towards[c] - level));
}

/** Colours of the points that have a known clean picture and of those that have not. */
export const pairColour = (paired, theme) => (paired ? channels("#d3840c") : THEMES[theme].neutral);

/** The colour of a share 0..1 of the scale's largest error. */
export function errorColour(share, theme) {
  const [low, high] = THEMES[theme].ramp;
  const place = (low + Math.min(1, Math.max(0, share)) * (high - low)) * (VIRIDIS.length - 1);
  const below = Math.min(VIRIDIS.length - 2, Math.floor(place));
  return VIRIDIS[below].map((level, c) => level + (place - below) * (VIRIDIS[below + 1][c] - level));
}

/** RGBA, a byte each, of every point. Alpha is its relative size: 0 hides it, what is not known stands back. */
export function pointColours({ colour, theme, hiddenClasses, hiddenPairs, data }, { label, pair, classes }) {
  const rgba = new Uint8Array(4 * label.length);
  const ofClass = classes.map((_, index) => classColour(index, theme));
  const ofPair = [true, false].map((paired) => pairColour(paired, theme));
  const steps = Array.from({ length: 256 }, (_, step) => errorColour(step / 255, theme));
  const { neutral } = THEMES[theme];
  for (let point = 0; point < label.length; point++) {
    let chosen = ofClass[label[point]];
    if (colour === "pair") chosen = ofPair[pair[point]];
    if (colour === "error") {
      const error = data.error[point];
      chosen = error === UNKNOWN ? neutral : steps[Math.min(255, Math.round((255 * error) / data.scaleEnd))];
    }
    rgba.set(chosen, 4 * point);
    const shown = !hiddenClasses.has(label[point]) && !hiddenPairs.has(pair[point]);
    if (shown) rgba[4 * point + 3] = chosen === neutral ? 150 : 255;
  }
  return rgba;
}

export const css = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

function channels(hex) {
  return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
}
