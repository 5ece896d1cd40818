// What every page has, once for as long as the app is open.

import { loadAhead } from "./ahead.js"
import { watchPopovers } from "./popovers.js"

export default function ({ data }) {
  if (window.g2isPage) return
  window.g2isPage = true
  watchPopovers()
  loadAhead(data)
}
