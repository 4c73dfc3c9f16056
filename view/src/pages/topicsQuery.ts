/** A field that stands in the address, so that what is looked at can be shared and gone back to. */
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

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
