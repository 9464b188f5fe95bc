/** What the browser keeps for longer than a session: theme, language and the name an agent speaks under, never a key. A browser that keeps nothing is served all the same. */
export const kept = {
  get(name: string): string | null {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  set(name: string, value: string | null): void {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, value);
    } catch {
      // It holds until the page is left.
    }
  },
};
