// A link before everything else on the page, for the keyboard: the steps stand behind the settings otherwise.

// Returns a function that takes it away again.
export function addSkip(screen) {
  const place = document.createElement("nav")
  place.setAttribute("aria-label", "Steps of the walk")
  const button = document.createElement("button")
  button.type = "button"
  button.className = "skip-to-steps"
  button.textContent = "Skip to the steps"
  button.onclick = () => screen.root.focus()
  place.append(button)
  document.body.prepend(place)
  return () => place.remove()
}
