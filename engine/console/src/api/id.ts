/** Returns an id that nobody else makes. `crypto.randomUUID` is there over TLS and on this machine only. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
