// The keys of the screen; the overlay of help in `screen.html` says what each does.

import { listenToKeys } from "../../shared/keys.js"

const ZOOM = 1.5

// Returns a function that takes the listeners away again.
export function bindKeys(screen) {
  const actions = {
    ArrowLeft: () => screen.strip.act("back"),
    ArrowRight: () => screen.strip.act("forward"),
    Home: () => screen.strip.act("first"),
    End: () => screen.strip.act("last"),
    " ": () => screen.strip.act("play"),
    p: () => screen.change("pin"),
    b: () => screen.change("ban"),
    "/": () => screen.panes.focusFind(),
    m: () => screen.panes.show("map"),
    g: () => screen.panes.show("graph"),
    "+": () => screen.panes.zoomBy(ZOOM),
    "=": () => screen.panes.zoomBy(ZOOM),
    "-": () => screen.panes.zoomBy(1 / ZOOM),
    0: () => screen.panes.zoomBy(null),
    "?": () => screen.panes.toggleHelp(),
    Backspace: () => screen.reading.backOnce(),
    Escape: () => screen.reading.back(),
  }
  const inGraph = {
    ArrowUp: () => screen.graph.next(-1),
    ArrowDown: () => screen.graph.next(1),
    Enter: () => screen.graph.enter(),
  }
  return listenToKeys(screen.root, (key) => actions[key] ?? (screen.picture === "graph" ? inGraph[key] : null))
}
