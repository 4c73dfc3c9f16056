/** What the page of the cluster makes of the settings. */
import type { SettingView } from '@/api'

/** Whether the node is in no cluster. One that was started by a program, without settings, is in none. */
export const isAlone = (settings: readonly SettingView[]): boolean =>
  !settings.some((one) => one.path === 'cluster.isCluster' && (one.value === 1 || one.value === true))
