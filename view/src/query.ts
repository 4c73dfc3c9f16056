/** A field that stands in the address, so that what is looked at can be shared and gone back to. */
import { computed, shallowRef, type ShallowRef, type WritableComputedRef } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw, type Router } from 'vue-router'
import type { Order } from '@/components/table'

// What was put into the address and is not there yet: a router takes its time, and only the last word counts with it.
const underWay = new WeakMap<Router, ShallowRef<LocationQueryRaw | undefined>>()

/**
 * One parameter of the page's address; empty where it is not there. One that `opens` something leaves where it was opened
 * to go back to.
 */
export function useQuery (name: string, { opens = false } = {}): WritableComputedRef<string> {
  const route = useRoute()
  const router = useRouter()
  const home = route.name
  const pending = underWay.get(router) ?? shallowRef()
  underWay.set(router, pending)
  return computed({
    get: (before) => {
      if (route.name !== home) return before ?? '' // the page is being left
      const value = (pending.value ?? route.query)[name]
      return typeof value === 'string' ? value : ''
    },
    set: (value) => {
      if (route.name !== home) return
      const { [name]: was, ...others } = pending.value ?? route.query
      const query = pending.value = value === '' ? others : { ...others, [name]: value }
      const go = opens && value !== '' && !was ? router.push : router.replace
      void go({ query }).finally(() => { if (pending.value === query) pending.value = undefined })
    },
  })
}

/** What a table is sorted by, in one parameter: `lag`, or `-lag` where the most comes first. */
export function useOrder (name = 'sort'): WritableComputedRef<Order | undefined> {
  const text = useQuery(name)
  return computed({
    get: () => (text.value === '' ? undefined : { key: text.value.replace(/^-/, ''), down: text.value.startsWith('-') }),
    set: (order) => { text.value = order === undefined ? '' : (order.down ? '-' : '') + order.key },
  })
}
