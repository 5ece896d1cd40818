// Which parts of the screen are in sight: map or graph, one pane where there is no room for all, the help.

import { addZooms } from "../../shared/canvas/zooms.js"

export class Panes {
  // screen: a Screen.
  constructor(screen) {
    this.screen = screen
    const { root, find } = screen
    for (const tab of root.querySelectorAll("[role=tab]")) tab.onclick = () => this.show(tab.dataset.tab)
    for (const button of root.querySelectorAll("[data-show]")) button.onclick = () => this.show(button.dataset.show)
    addZooms(find(".zooms"), (factor) => this.zoomBy(factor))
  }

  get picture() {
    return this.screen.root.dataset.picture
  }

  // tab: a pane where there is room for one alone, or map or graph, of which one is in sight everywhere.
  show(tab) {
    if (this.turnTo(tab)) this.screen.raise("picture", tab)
  }

  // Whether the picture is another one now.
  turnTo(tab) {
    const { screen } = this
    const { root } = screen
    root.dataset.tab = tab
    for (const button of root.querySelectorAll("[role=tab]")) {
      button.setAttribute("aria-selected", String(button.dataset.tab === tab))
    }
    const isPicture = tab === "map" || tab === "graph"
    if (!isPicture || tab === this.picture) return false
    root.dataset.picture = tab
    for (const button of root.querySelectorAll("[data-show]")) {
      button.setAttribute("aria-pressed", String(button.dataset.show === tab))
    }
    screen.map.resize()
    screen.graph.view.resize()
    screen.draw()
    return true
  }

  // null: all of it.
  zoomBy(factor) {
    const { graph, map } = this.screen
    const view = this.picture === "graph" ? graph : map
    if (factor) view.gestures.zoomBy(factor)
    else view.reset()
  }

  focusFind() {
    const field = this.screen.find(".find")
    if (!field.offsetParent) this.show(this.picture)
    field.focus()
  }

  toggleHelp() {
    const { find } = this.screen
    const help = find(".help")
    help.hidden = !help.hidden
    find("[data-action=help]").setAttribute("aria-expanded", String(!help.hidden))
  }
}
