/** The look's colours for ECharts, which can't read custom properties, and what all charts have in common. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'

const NAMES = ['ink', 'soft', 'line', 'card', 'tree', 'blue', 'violet', 'warn', 'bad'] as const
export type Palette = Record<typeof NAMES[number], string>

/** The colours as they are now: they change when the system goes dark. */
export function usePalette (): Readonly<ShallowRef<Palette>> {
  const palette = shallowRef(read())
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const changed = (): void => { palette.value = read() }
  dark.addEventListener('change', changed)
  onScopeDispose(() => dark.removeEventListener('change', changed))
  return palette
}

function read (): Palette {
  const style = getComputedStyle(document.documentElement)
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Palette
}

/** A tooltip that is drawn, because the page's policy lets nobody write HTML with a style of its own. */
export function tooltip (palette: Palette): Record<string, unknown> {
  return {
    renderMode: 'richText',
    confine: true,
    backgroundColor: palette.card,
    borderColor: palette.line,
    textStyle: { color: palette.ink, fontSize: 12 },
  }
}

/** An axis. */
export function axis (palette: Palette): Record<string, unknown> {
  return {
    axisLine: { lineStyle: { color: palette.line } },
    axisTick: { show: false },
    axisLabel: { color: palette.soft, fontSize: 11, hideOverlap: true },
    splitLine: { lineStyle: { color: palette.line } },
  }
}
