// Where samples lie in the plane. Samples are rows of the pool; validation examples count from -1 down.

export class Places {
  // x, y: of each sample, vx, vy: of each validation example; `nowhere` in place of a coordinate that there is not.
  constructor({ x, y, vx, vy, nowhere }) {
    Object.assign(this, { x, y, vx, vy, nowhere })
  }

  at(sample) {
    return sample < 0 ? [this.vx[-1 - sample], this.vy[-1 - sample]] : [this.x[sample], this.y[sample]]
  }

  has(sample) {
    return (this.at(sample)[0] ?? this.nowhere) !== this.nowhere
  }

  examples() {
    return Array.from(this.vx, (_, row) => -1 - row).filter((example) => this.has(example))
  }

  // [left, bottom, right, top] of samples; null if none has a place.
  box(samples) {
    const box = [Infinity, Infinity, -Infinity, -Infinity]
    for (const sample of samples) {
      if (!this.has(sample)) continue
      const [x, y] = this.at(sample)
      if (x < box[0]) box[0] = x
      if (y < box[1]) box[1] = y
      if (x > box[2]) box[2] = x
      if (y > box[3]) box[3] = y
    }
    return box[0] === Infinity ? null : box
  }

  // The nearest sample, at most `reach` away. Stars are larger and lie above the dots, and starts of a walk above
  // those: an example wins if it lies within `star`, unless the nearest sample is one of `starts`. hides(sample): whether
  // it does not count.
  nearest([atX, atY], reach, star, starts, hides = () => false) {
    const { x, y, vx, vy, nowhere } = this
    let [best, least] = [null, reach ** 2]
    for (let sample = 0; sample < x.length; sample++) {
      const away = (x[sample] - atX) ** 2 + (y[sample] - atY) ** 2
      if (away < least && x[sample] !== nowhere && !hides(sample)) [best, least] = [sample, away]
    }
    if (!starts.has(best)) least = star ** 2
    for (let row = 0; row < vx.length; row++) {
      const away = (vx[row] - atX) ** 2 + (vy[row] - atY) ** 2
      if (away < least && vx[row] !== nowhere && !hides(-1 - row)) [best, least] = [-1 - row, away]
    }
    return best
  }

  // The sample to go to from another in a direction: near, and not far to the side.
  ahead(from, [right, up], hides = () => false) {
    const { x, y, nowhere } = this
    const [atX, atY] = this.at(from)
    let [best, least] = [null, Infinity]
    for (let sample = 0; sample < x.length; sample++) {
      if (x[sample] === nowhere) continue
      const [awayX, awayY] = [x[sample] - atX, y[sample] - atY]
      const ahead = awayX * right + awayY * up
      const aside = Math.abs(awayX * up) + Math.abs(awayY * right)
      if (ahead <= 0 || aside > ahead) continue
      const cost = ahead + 2 * aside
      if (cost < least && !hides(sample)) [best, least] = [sample, cost]
    }
    return best
  }

  // Samples at most `reach` away that `wanted` accepts, the nearest first.
  around([atX, atY], reach, most, wanted) {
    const { x, y, nowhere } = this
    const near = []
    for (let sample = 0; sample < x.length; sample++) {
      const away = (x[sample] - atX) ** 2 + (y[sample] - atY) ** 2
      if (away < reach ** 2 && x[sample] !== nowhere && wanted(sample)) near.push([away, sample])
    }
    return near.sort((one, other) => one[0] - other[0]).slice(0, most).map(([, sample]) => sample)
  }
}
