// The points where there is no WebGL, drawn by the processor: discs in a 2D canvas, with a depth buffer.

const FADE = 0.6;

export class PlainLayer {
  constructor(canvas) {
    this.context = canvas.getContext("2d");
  }

  resize(width, height) {
    this.width = this.context.canvas.width = Math.round(width); // one pixel a CSS pixel: the processor has enough to do
    this.height = this.context.canvas.height = Math.round(height);
    this.image = this.context.createImageData(this.width, this.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.depths = new Float32Array(this.pixels.length);
  }

  colour(rgba, background) {
    this.rgba = rgba;
    this.background = background;
  }

  draw(_, camera, reach, projected) {
    const { rgba, width, height, pixels, depths } = this;
    const [red, green, blue] = this.background;
    pixels.fill(packed(red, green, blue));
    depths.fill(Infinity);
    const nearest = Math.max(0, camera.distance - 0.7);
    for (let point = 0, i = 0; i < projected.length; point++, i += 3) {
      const depth = projected[i + 2];
      if (rgba[4 * point + 3] === 0 || depth <= 0.01) continue;
      const radius = Math.min(48, Math.max(0.8, ((rgba[4 * point + 3] / 255) * reach) / depth));
      const left = Math.max(0, Math.ceil(projected[i] - radius));
      const right = Math.min(width - 1, Math.floor(projected[i] + radius));
      const top = Math.max(0, Math.ceil(projected[i + 1] - radius));
      const bottom = Math.min(height - 1, Math.floor(projected[i + 1] + radius));
      const keep = 1 - FADE * Math.min(1, Math.max(0, (depth - nearest) / 2.2));
      const pixel = packed(
        red + keep * (rgba[4 * point] - red),
        green + keep * (rgba[4 * point + 1] - green),
        blue + keep * (rgba[4 * point + 2] - blue),
      );
      for (let y = top; y <= bottom; y++) {
        for (let x = left; x <= right; x++) {
          const place = y * width + x;
          const inside = (x - projected[i]) ** 2 + (y - projected[i + 1]) ** 2 <= radius * radius;
          if (inside && depth < depths[place]) {
            depths[place] = depth;
            pixels[place] = pixel;
          }
        }
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

const packed = (red, green, blue) => (255 << 24) | (blue << 16) | (green << 8) | red;
