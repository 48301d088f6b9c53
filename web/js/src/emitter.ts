/** Listeners by name. A listener that throws disturbs no other. */
export class Emitter<Events extends Record<string, any>> {
  private listeners = new Map<keyof Events, Set<(value: any) => void>>()

  /** Calls listener at each event of that name; returns what ends it. */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    let set = this.listeners.get(name)
    if (!set) this.listeners.set(name, (set = new Set()))
    set.add(listener)
    return () => set.delete(listener)
  }

  /** Ends what `on` began. */
  off<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): void {
    this.listeners.get(name)?.delete(listener)
  }

  protected emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) call(listener, value)
  }
}

/** Calls a listener of the application; what it throws is the page's to see, as if it were thrown from nowhere. */
export function call<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value)
  } catch (thrown) {
    setTimeout(() => {
      throw thrown
    })
  }
}
