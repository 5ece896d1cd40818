// The search of the screen: what it finds is marked on the map, and listed below the field to go to, by mouse or by keys.

import { element, number } from "../../shared/dom.js"

const HITS = 8 // instructions found that are listed

export class Search {
  // screen: a Screen.
  constructor(screen) {
    this.screen = screen
    this.found = null // rows; null where nothing is searched for
    this.asked = null // what was searched for last: replies to earlier words may come while others are typed
    this.goes = false // the reader searched, and goes to what is found where that is one alone
    this.field = screen.find(".find")
    this.list = screen.find(".hits")
    this.nothing = screen.find(".nothing")
    // A handler that returns false would keep the letter out of the box.
    this.field.onkeydown = (event) => {
      const action = { Enter: () => this.ask(), ArrowDown: () => this.enterList(), Escape: () => this.closeFirst() }[event.key]
      if (action?.()) event.preventDefault()
    }
    this.field.oninput = () => {
      this.close()
      // Emptied by its cross, or by Escape.
      if (!this.field.value) this.find("")
    }
    this.list.onkeydown = (event) => this.move(event)
    // Whoever goes on to something else wants to see it; not whoever goes to another window.
    const left = () => setTimeout(() => this.hasFocus() || this.close())
    for (const part of [this.field, this.list]) part.addEventListener("focusout", left)
  }

  hasFocus() {
    const { activeElement } = this.field.getRootNode()
    return activeElement === this.field || this.list.contains(activeElement)
  }

  // What was searched for last is at hand.
  ask() {
    const words = this.field.value
    if (words && words.trim() === this.words) {
      if (this.found.length === 1) this.open(this.found[0])
      else this.show()
    } else {
      this.goes = true
      this.find(words)
    }
    return true
  }

  find(words) {
    this.asked = words.trim()
    this.screen.raise("find", words)
  }

  enterList() {
    if (!this.found?.length) return false
    this.show()
    this.focusOn(0)
    return true
  }

  // Escape closes the list, and once more empties the field.
  closeFirst() {
    const isOpen = !this.list.hidden || !this.nothing.hidden
    this.close()
    return isOpen
  }

  show() {
    this.list.hidden = !this.found?.length
    this.nothing.hidden = this.found?.length !== 0
  }

  close() {
    this.list.hidden = this.nothing.hidden = true
  }

  open(sample) {
    this.close()
    this.screen.open(sample)
    this.screen.root.focus({ preventScroll: true }) // its keys work again
  }

  focusOn(place) {
    const options = [...this.list.children]
    for (const [at, option] of options.entries()) {
      option.tabIndex = at === place ? 0 : -1
      option.setAttribute("aria-selected", String(at === place))
    }
    options[place].focus()
  }

  move(event) {
    const options = [...this.list.children]
    const here = options.indexOf(event.target)
    const last = options.length - 1
    const actions = {
      ArrowDown: () => this.focusOn(Math.min(here + 1, last)),
      ArrowUp: () => (here > 0 ? this.focusOn(here - 1) : this.field.focus()),
      Home: () => this.focusOn(0),
      End: () => this.focusOn(last),
      Enter: () => event.target.click(),
      " ": () => event.target.click(),
      Escape: () => {
        this.field.focus()
        this.close()
      },
    }
    const action = actions[event.key]
    if (!action || here < 0) return
    event.preventDefault()
    action()
  }

  // A reply of Python: the instructions that contain what was searched for.
  receive({ words, found, total, nothing }) {
    if (words === this.words) return
    const { screen } = this
    const isNew = this.words === undefined // the screen: what was found before is marked, and not in the way
    this.words = words
    this.found = words ? found : null
    const only = this.found?.length === 1 && this.goes && words === this.asked
    if (words === this.asked) this.goes = false
    screen.find(".found").textContent = this.found ? `${total ? number(total) : "none"} found` : ""
    if (this.field.getRootNode().activeElement !== this.field) this.field.value = words
    const options = (this.found ?? []).slice(0, HITS).map((sample) => this.option(sample))
    if (options.length) options[0].tabIndex = 0
    this.list.replaceChildren(...options)
    if (isNew || only) this.close()
    else this.show()
    this.nothing.textContent = nothing // once it is in sight, so that it is said aloud
    screen.map.change()
    if (only) this.open(found[0])
  }

  option(sample) {
    const option = element("li", "", `#${number(sample)} ${this.screen.walk.lines.get(sample) ?? ""}`)
    option.setAttribute("role", "option")
    option.setAttribute("aria-selected", "false")
    option.tabIndex = -1
    option.dir = "auto"
    option.onclick = () => this.open(sample)
    return option
  }
}
