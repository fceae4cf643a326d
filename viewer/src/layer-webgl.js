// The points, drawn by WebGL. An epoch is uploaded once; moving between two epochs is one uniform.

import {
  BufferAttribute,
  BufferGeometry,
  Color,
  GLSL3,
  NoBlending,
  Points,
  RawShaderMaterial,
  Scene,
  SRGBColorSpace,
  WebGLRenderer,
} from "three";

const VERTEX = `
precision highp float;
uniform mat4 projectionMatrix, modelViewMatrix;
uniform float mixing, reach, least, nearest, farthest;
in vec3 position, destination;
in vec4 colour; // alpha is the relative size; 0: hidden
out vec3 tint;
out float distant;

void main() {
  vec4 eye = modelViewMatrix * vec4(2.0 * mix(position, destination, mixing) - 1.0, 1.0);
  gl_Position = colour.a > 0.0 ? projectionMatrix * eye : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = clamp(2.0 * reach * colour.a / -eye.z, least, 96.0);
  tint = colour.rgb;
  distant = 0.6 * smoothstep(nearest, farthest, -eye.z);
}`;

const FRAGMENT = `
precision highp float;
uniform vec3 background;
in vec3 tint;
in float distant;
out vec4 pixel;

void main() {
  float radius = length(2.0 * gl_PointCoord - 1.0);
  float cover = 1.0 - smoothstep(1.0 - fwidth(radius), 1.0, radius);
  if (cover < 0.02) discard;
  vec3 shaded = tint * (1.0 - 0.34 * smoothstep(0.5, 1.0, radius));
  pixel = vec4(mix(shaded, background, distant), cover);
}`;

/** The layer, or null where there is no WebGL. */
export function createWebglLayer(canvas, count, changed) {
  const options = { alpha: false, antialias: true, powerPreference: "high-performance" };
  const context = canvas.getContext("webgl2", options);
  return context && new WebglLayer(canvas, context, count, changed);
}

class WebglLayer {
  constructor(canvas, context, count, changed) {
    this.renderer = new WebGLRenderer({ canvas, context, antialias: true, alpha: false });
    this.uniforms = Object.fromEntries(
      ["mixing", "reach", "least", "nearest", "farthest"].map((name) => [name, { value: 0 }]),
    );
    this.uniforms.background = { value: new Color() };
    this.geometry = new BufferGeometry();
    this.geometry.setDrawRange(0, count);
    const material = new RawShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      glslVersion: GLSL3,
      uniforms: this.uniforms,
      blending: NoBlending,
      alphaToCoverage: true, // round edges without sorting
    });
    const points = new Points(this.geometry, material);
    points.frustumCulled = false;
    this.scene = new Scene().add(points);
    this.uploaded = new WeakMap();
    canvas.addEventListener("webglcontextrestored", changed);
  }

  resize(width, height, ratio) {
    this.ratio = ratio;
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(width, height, false);
  }

  colour(rgba, background) {
    this.geometry.setAttribute("colour", new BufferAttribute(rgba, 4, true));
    const levels = background.map((level) => level / 255);
    this.uniforms.background.value.setRGB(...levels); // the shader writes what the screen gets
    this.renderer.setClearColor(new Color().setRGB(...levels, SRGBColorSpace));
  }

  draw({ here, there, mix }, camera, reach) {
    this.geometry.setAttribute("position", this.#attribute(here));
    this.geometry.setAttribute("destination", this.#attribute(there));
    const { uniforms } = this;
    uniforms.mixing.value = mix;
    uniforms.reach.value = reach * this.ratio;
    uniforms.least.value = 1.6 * this.ratio;
    uniforms.nearest.value = Math.max(0, camera.distance - 0.7);
    uniforms.farthest.value = camera.distance + 1.5;
    this.renderer.render(this.scene, camera.lens);
  }

  #attribute(map) {
    if (!this.uploaded.has(map)) this.uploaded.set(map, new BufferAttribute(map, 3, true));
    return this.uploaded.get(map);
  }
}
