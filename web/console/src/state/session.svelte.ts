import { ApiError, api, onUnauthorised } from "../api/client";
import type { Feature, Right, Session } from "../api/types";

/** Who is signed in. */
class SessionState {
  /** undefined until the server has answered, null when nobody is signed in. */
  current = $state<Session | null | undefined>(undefined);
  /** A session was there and is over: say so at the door. */
  ended = $state(false);
  /** The server did not answer when the page was opened. */
  trouble = $state("");

  async start() {
    onUnauthorised(() => this.end());
    this.trouble = "";
    try {
      this.current = await api.session();
    } catch (err) {
      if (err instanceof ApiError && err.status === 401) this.current = null;
      else this.trouble = (err as Error).message;
    }
  }

  async login(user: string, password: string) {
    this.current = await api.login(user, password);
    this.ended = false;
  }

  async changePassword(old: string, next: string) {
    await api.changePassword(old, next);
    this.current = await api.session();
  }

  async logout() {
    try {
      await api.logout();
    } catch (err) {
      // A session that is already over is what was asked for.
      if (!(err instanceof ApiError && err.status === 401)) throw err;
    }
    this.current = null;
    this.ended = false;
  }

  /** Whether an optional part of the program runs. */
  has(feature: Feature): boolean {
    return this.current?.features?.includes(feature) ?? false;
  }

  /** Whether the person may do something, over some camera at least; the server has the last word. */
  may(right: Right): boolean {
    return this.current?.rights?.includes(right) ?? false;
  }

  /** Takes what the person has changed of their own standing. */
  async refresh() {
    this.current = await api.session();
  }

  end() {
    if (!this.current) return;
    this.current = null;
    this.ended = true;
  }
}

export const session = new SessionState();
