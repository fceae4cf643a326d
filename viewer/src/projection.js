// Where the points lie on the screen, and which of them lies under the pointer.
// A plain pass over all points: faster than any index that would have to follow camera and animation.

import { Matrix4 } from "three";

const decode = new Matrix4().makeScale(2 / 65535, 2 / 65535, 2 / 65535).setPosition(-1, -1, -1);
const matrix = new Matrix4();

/** Fill `out` with x, y in pixels and depth of every point; depth is negative behind the camera. */
export function project({ here, there, mix }, camera, width, height, out) {
  matrix.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse).multiply(decode);
  const m = matrix.elements;
  const halfWidth = width / 2;
  const halfHeight = height / 2;
  for (let i = 0; i < here.length; i += 3) {
    const x = here[i] + mix * (there[i] - here[i]);
    const y = here[i + 1] + mix * (there[i + 1] - here[i + 1]);
    const z = here[i + 2] + mix * (there[i + 2] - here[i + 2]);
    const depth = m[3] * x + m[7] * y + m[11] * z + m[15];
    const scale = 1 / depth;
    out[i] = halfWidth * (1 + (m[0] * x + m[4] * y + m[8] * z + m[12]) * scale);
    out[i + 1] = halfHeight * (1 - (m[1] * x + m[5] * y + m[9] * z + m[13]) * scale);
    out[i + 2] = depth;
  }
}

/**
 * The point at (x, y): the frontmost whose disc is there, else the nearest within `slack` pixels, else -1.
 * `reach` divided by the depth is a disc's radius in pixels, times the relative size in the alpha of `colours`.
 */
export function pick(projected, colours, x, y, reach, slack) {
  let found = -1;
  let frontmost = Infinity;
  let near = -1;
  let nearest = slack * slack;
  for (let i = 0, point = 0; i < projected.length; i += 3, point++) {
    const dx = projected[i] - x;
    const dy = projected[i + 1] - y;
    const depth = projected[i + 2];
    if (dx > 40 || dx < -40 || dy > 40 || dy < -40 || depth <= 0 || colours[4 * point + 3] === 0) continue;
    const distance = dx * dx + dy * dy;
    const radius = ((colours[4 * point + 3] / 255) * reach) / depth;
    if (distance <= radius * radius && depth < frontmost) {
      frontmost = depth;
      found = point;
    } else if (distance < nearest) {
      nearest = distance;
      near = point;
    }
  }
  return found >= 0 ? found : near;
}
