/** What went wrong with a request, as the engine tells it (RFC 9457), or as this page found it. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(title);
  }

  /** No answer came at all. */
  static unreachable(): Problem {
    return new Problem(0, "unreachable", "", "");
  }

  /** Reads the body of an answer that is no success. */
  static of(status: number, body: unknown): Problem {
    const told = (name: string): string => {
      const value = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
      return typeof value === "string" ? value : "";
    };
    return new Problem(status, told("type").split(":").at(-1) || "unknown", told("title"), told("detail"));
  }

  /** Returns what went wrong, of whatever was thrown. */
  static from(error: unknown): Problem {
    return error instanceof Problem ? error : Problem.unreachable();
  }

  /** The key is not in force any more, or never was. */
  get isSignedOut(): boolean {
    return this.status === 401;
  }
}
