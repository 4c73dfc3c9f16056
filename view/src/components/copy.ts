/**
 * Put a text where the user can paste it from, and tell whether that went well. `place` is in the dialog that is open: nothing
 * else can be selected then.
 */
export async function copy (text: string, place: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Pages that came neither over TLS nor from this machine have no clipboard.
    const field = document.createElement('textarea')
    field.value = text
    field.className = 'unseen'
    place.append(field)
    field.select()
    const done = document.execCommand('copy')
    field.remove()
    return done
  }
}
