// What Python wrote into the page: one JSON element, and blocks of base64 that are decoded when they are needed.

/** A quantised error that is not known. */
export const UNKNOWN = 65535;

const QUANTILE = 0.99; // what lies beyond does not set a scale
const PER_ATLAS = 1024; // as in thumbnails.py
const MOST_ATLASES = 64; // that are kept decoded, 3 MB each

const text = (id) => document.getElementById(id).textContent;

function bytes(id) {
  const binary = atob(text(id));
  const result = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) result[i] = binary.charCodeAt(i);
  return result;
}

async function unzipped(id) {
  const stream = new Blob([bytes(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

const quantile = (sorted) => sorted[Math.floor(QUANTILE * (sorted.length - 1))];

/** The quantised error at which the colour scale ends. */
function scaleEnd(error) {
  return Math.max(1, quantile(error.filter((level) => level !== UNKNOWN).sort()) ?? 1);
}

/** Of the ball about the cube's middle that holds nearly all points of a map. */
function radius(map) {
  const radii = new Float32Array(map.length / 3);
  const coordinate = (i) => (2 * map[i]) / 65535 - 1;
  for (let i = 0; i < radii.length; i++) {
    radii[i] = Math.hypot(coordinate(3 * i), coordinate(3 * i + 1), coordinate(3 * i + 2));
  }
  return quantile(radii.sort());
}

async function decoded(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

export class Page {
  constructor() {
    Object.assign(this, JSON.parse(text("page"))); // title, facts, count, classes, thumbnails, kinds (see packing.py)
    this.loaded = new Map();
    this.atlases = new Map();
  }

  async open() {
    const [names, label, partner] = await Promise.all(["names", "label", "partner"].map(unzipped));
    this.names = JSON.parse(new TextDecoder().decode(names));
    this.label = new Uint16Array(label); // index into classes
    this.partner = new Int32Array(partner); // -1: not known
    this.pair = Uint8Array.from(this.partner, (row) => (row < 0 ? 1 : 0)); // 0: has a known clean picture, 1: has not
  }

  /** The arrays of one series; read once. */
  series(index) {
    if (!this.loaded.has(index)) this.loaded.set(index, this.#read(index));
    return this.loaded.get(index);
  }

  async #read(index) {
    const about = this.kinds[index];
    const points = about.epochs.map((_, epoch) => unzipped(`points-${index}-${epoch}`));
    const [neighbours, error, ...maps] = await Promise.all([
      unzipped(`neighbours-${index}`),
      unzipped(`error-${index}`),
      ...points,
    ]);
    const series = {
      ...about,
      maps: maps.map((map) => new Uint16Array(map)), // 0 and 65535 are the faces of a cube, -1 and 1
      neighbours: new Int32Array(neighbours),
      error: new Uint16Array(error),
    };
    return { ...series, scaleEnd: scaleEnd(series.error), radius: radius(series.maps.at(-1)) };
  }

  /** A picture as {image, x, y, width, height}; kind is "altered", "clean" or "hat-0", "hat-1", ... */
  async thumbnail(kind, index) {
    const { width, height } = this.thumbnails;
    const place = index % PER_ATLAS;
    const across = Math.sqrt(PER_ATLAS);
    const image = await this.#atlas(`${kind}-${Math.floor(index / PER_ATLAS)}`);
    return { image, x: (place % across) * width, y: Math.floor(place / across) * height, width, height };
  }

  #atlas(id) {
    const known = this.atlases.get(id) ?? decoded(`data:image/webp;base64,${text(id)}`);
    this.atlases.delete(id);
    this.atlases.set(id, known); // last is newest
    if (this.atlases.size > MOST_ATLASES) this.atlases.delete(this.atlases.keys().next().value);
    return known;
  }
}
