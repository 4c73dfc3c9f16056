/** Where members stand in the picture: this node in the middle, the others around it, the nearer the sooner they answer. */
import type { MemberView } from './members'

export interface Place {
  member: MemberView
  x: number
  y: number
  self: boolean
}

export interface Picture {
  places: Place[]
  /** How many were left out. */
  rest: number
}

const MOST = 100 // members that are drawn
const NEAREST = 0.6 // of the way to the edge
const LABEL = 76 // pixels at either side, for names
const HEAD = 48 // pixels above and below
const WIDE = 520 // pixels, from which on there is more room at the sides than above

/** Place members, in a picture of so many pixels. */
export function place (members: readonly MemberView[], self: string | undefined, width: number, height: number): Picture {
  const others = members.filter((one) => one.name !== self)
  // Who is gone gives way to who is there.
  const drawn = others.length <= MOST ? others : [...others].sort((a, b) => gone(a) - gone(b)).slice(0, MOST)
  const [mx, my] = [width / 2, height / 2]
  const [rx, ry] = [Math.max(24, mx - LABEL), Math.max(24, my - HEAD)]
  const times = drawn.flatMap((one) => (one.rtt === null || gone(one) ? [] : [one.rtt]))
  const [least, most] = [Math.min(...times), Math.max(...times)]
  const first = width >= WIDE ? Math.PI : -Math.PI / 2
  const places = drawn.map((member, index) => {
    const turn = (index / drawn.length) * 2 * Math.PI + first
    const far = gone(member) || member.rtt === null ? 1 : reach(member.rtt, least, most)
    return { member, x: mx + Math.cos(turn) * rx * far, y: my + Math.sin(turn) * ry * far, self: false }
  })
  const me = members.find((one) => one.name === self)
  if (me !== undefined) places.push({ member: me, x: mx, y: my, self: true })
  return { places, rest: others.length - drawn.length }
}

/** How far out, from NEAREST to 0.95: by the logarithm, because answers take a tenth of a millisecond or a tenth of a second. */
function reach (rtt: number, least: number, most: number): number {
  const floor = Math.max(least, 1e-6)
  if (most <= floor * 1.5) return 0.85 // all are as near: a ring
  return NEAREST + 0.35 * Math.log(Math.max(rtt, floor) / floor) / Math.log(most / floor)
}

const gone = (member: MemberView): number => Number(member.state === 'dead' || member.state === 'left')
