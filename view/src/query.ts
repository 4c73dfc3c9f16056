/** A field that stands in the address, so that what is looked at can be shared and gone back to. */
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { Order } from '@/components/table'

/** One parameter of the page's address; empty where it is not there. */
export function useQuery (name: string): WritableComputedRef<string> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get: () => (typeof route.query[name] === 'string' ? route.query[name] : ''),
    set: (value) => {
      const { [name]: _, ...others } = route.query
      void router.replace({ query: value === '' ? others : { ...others, [name]: value } })
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
