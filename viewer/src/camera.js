// The camera: three's orbit controls for mouse and touch, the same moves for keys, and flights to a point.

import { PerspectiveCamera, Spherical, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const FLIGHT = 450; // milliseconds
const START = new Spherical(1, 1.25, 0.6);

export class Camera {
  constructor(element, changed) {
    this.lens = new PerspectiveCamera(40, 1, 0.01, 60);
    this.controls = new OrbitControls(this.lens, element);
    Object.assign(this.controls, { enableDamping: true, dampingFactor: 0.14, minDistance: 0.08, maxDistance: 20 });
    this.controls.addEventListener("change", changed);
    this.controls.addEventListener("start", () => {
      this.flight = null;
      this.atHome = false;
    });
    this.changed = changed;
    this.radius = 1; // of the sphere about the origin that the home view shows whole
    this.flight = null;
    this.atHome = true;
    this.middle = [0, 0];
    this.widening = 1;
  }

  get distance() {
    return this.lens.position.distanceTo(this.controls.target);
  }

  get homeDistance() {
    return (this.radius / Math.sin((this.lens.fov * Math.PI) / 360)) * this.widening;
  }

  /** Fill a window of this size, with what the camera looks at in the middle of `free`, its uncovered part. */
  resize(width, height, free) {
    this.middle = [(free.left + free.right) / 2, (free.top + free.bottom) / 2];
    this.widening = height / Math.max(60, Math.min(free.right - free.left, free.bottom - free.top));
    this.lens.aspect = width / height;
    this.lens.setViewOffset(width, height, width / 2 - this.middle[0], height / 2 - this.middle[1], width, height);
    if (this.atHome) this.home(false);
  }

  home(smoothly = true) {
    const offset = new Vector3().setFromSpherical(START).multiplyScalar(this.homeDistance);
    this.#go(new Vector3(), offset, smoothly);
    this.atHome = true;
  }

  /** Turn about `point` (a Vector3), not farther away from it than now. */
  flyTo(point) {
    const offset = this.lens.position.clone().sub(this.controls.target);
    this.#go(point, offset.setLength(Math.min(this.distance, 0.55 * this.homeDistance)), true);
  }

  turn(across, down) {
    this.#move((offset) => {
      const angles = new Spherical().setFromVector3(offset);
      angles.theta += across;
      angles.phi += down;
      offset.setFromSpherical(angles.makeSafe());
    });
  }

  zoom(factor) {
    const { minDistance, maxDistance } = this.controls;
    this.#move((offset) => offset.multiplyScalar(factor).clampLength(minDistance, maxDistance));
  }

  shift(across, up) {
    const step = new Vector3(across, up, 0).multiplyScalar(this.distance).applyQuaternion(this.lens.quaternion);
    this.#move((_, target) => target.add(step));
  }

  /** Bring the camera to where it is at time `now`; whether it goes on moving. */
  update(now) {
    if (this.flight) {
      const { from, to, began } = this.flight;
      const share = Math.min(1, (now - began) / FLIGHT);
      const eased = share * share * (3 - 2 * share);
      const offset = from.offset.clone().lerp(to.offset, eased);
      offset.setLength(from.offset.length() + eased * (to.offset.length() - from.offset.length()));
      this.controls.target.lerpVectors(from.target, to.target, eased);
      this.lens.position.copy(this.controls.target).add(offset);
      if (share === 1) this.flight = null;
    }
    const moved = this.controls.update();
    this.lens.updateMatrixWorld();
    return this.flight !== null || moved;
  }

  #move(change) {
    this.flight = null;
    this.atHome = false;
    const target = this.controls.target;
    const offset = this.lens.position.clone().sub(target);
    change(offset, target);
    this.lens.position.copy(target).add(offset);
    this.changed();
  }

  #go(target, offset, smoothly) {
    this.atHome = false;
    const from = { target: this.controls.target.clone(), offset: this.lens.position.clone().sub(this.controls.target) };
    const still = !smoothly || matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.flight = { from, to: { target, offset }, began: still ? -Infinity : performance.now() };
    this.changed();
  }
}
