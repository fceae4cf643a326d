// What the reader chose. Parts of the page change it with `set` and follow it with `on`; none calls another.

export function createStore(initial) {
  const state = { ...initial };
  const followers = [];
  return {
    state,
    set(patch) {
      const changed = Object.keys(patch).filter((key) => state[key] !== patch[key]);
      Object.assign(state, patch);
      for (const { keys, react } of followers) if (keys.some((key) => changed.includes(key))) react(state);
    },
    on(keys, react) {
      followers.push({ keys, react });
      react(state);
    },
  };
}
