/**
 * Where members stand in the picture: this node in the middle and the others in a ring around it, or, where their names
 * would lie upon each other, all in rows. Places depend on who is there and on nothing else, so that they are calm.
 */
import type { MemberView } from './members'

export interface Place {
  member: MemberView
  x: number
  y: number
  self: boolean
}

export interface Picture {
  places: Place[]
  /** Pixels. */
  height: number
  /** Whether they stand around this node, and lines mean something. */
  ring: boolean
  /** How many were left out. */
  rest: number
}

const MOST = 120 // members that are drawn
const LABEL = 108 // pixels that a name is wide, at most
const HIGH = 64 // pixels that a mark and two lines are high
const RING = 340 // pixels that a ring is high
const TALL = 440 // and where it is narrow
const NARROW = 520
const ABOVE = 20 // pixels of a mark above its middle
const WIDEST = 380 // pixels of a ring to either side

/** Place members, in a picture so many pixels wide. */
export function place (members: readonly MemberView[], self: string | undefined, width: number): Picture {
  const me = members.find((one) => one.name === self)
  const others = members.filter((one) => one.name !== self).sort(inOrder)
  const around = ring(others, me, width)
  if (around !== undefined) return around
  // Who is gone gives way to who is there.
  const room = MOST - Number(me !== undefined)
  const drawn = others.length <= room ? others : [...others].sort((a, b) => gone(a) - gone(b)).slice(0, room).sort(inOrder)
  return rows(me === undefined ? drawn : [me, ...drawn], self, width, others.length - drawn.length)
}

/** In a ring, if there is room for their names. */
function ring (others: readonly MemberView[], me: MemberView | undefined, width: number): Picture | undefined {
  const height = width < NARROW ? TALL : RING
  const [mx, my] = [width / 2, 0]
  const [rx, ry] = [Math.min(WIDEST, Math.max(0, mx - LABEL / 2)), (height - HIGH) / 2]
  // Two of them stand beside this node, where there is room, and more begin above it.
  const first = others.length <= 2 && width >= NARROW ? Math.PI : -Math.PI / 2
  const places = others.map((member, index) => {
    const turn = (index / others.length) * 2 * Math.PI + first
    return { member, x: mx + Math.cos(turn) * rx, y: my + Math.sin(turn) * ry, self: false }
  })
  if (me !== undefined) places.push({ member: me, x: mx, y: my, self: true })
  const apart = places.every((a, index) => places.slice(index + 1).every((b) => Math.abs(a.x - b.x) >= LABEL || Math.abs(a.y - b.y) >= HIGH))
  return apart ? { ...cut(places), ring: true, rest: 0 } : undefined
}

/** Move them up to the upper edge, and say how high it is then: what is not used is not shown. */
function cut (places: readonly Place[]): Pick<Picture, 'places' | 'height'> {
  const all = places.map((one) => one.y)
  const least = Math.min(0, ...all)
  return { places: places.map((one) => ({ ...one, y: one.y - least + ABOVE })), height: Math.max(0, ...all) - least + HIGH }
}

function rows (drawn: readonly MemberView[], self: string | undefined, width: number, rest: number): Picture {
  const columns = Math.max(1, Math.floor(width / LABEL))
  const wide = width / columns
  const places = drawn.map((member, index) => ({
    member,
    x: (index % columns + 0.5) * wide,
    y: Math.floor(index / columns) * HIGH + ABOVE,
    self: member.name === self,
  }))
  return { places, height: Math.ceil(drawn.length / columns) * HIGH, ring: false, rest }
}

/** Registries first, then as people count: node 10 behind node 9. */
function inOrder (a: MemberView, b: MemberView): number {
  return kind(a) - kind(b) || a.name.localeCompare(b.name, undefined, { numeric: true })
}

const kind = (member: MemberView): number => ['r', 'mq', null].indexOf(member.kind)
const gone = (member: MemberView): number => Number(member.state === 'dead' || member.state === 'left')
