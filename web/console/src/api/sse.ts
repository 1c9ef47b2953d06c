/** One message of a text/event-stream (WHATWG HTML, 9.2.6). */
export interface Message {
  event: string;
  data: string;
  /** Set only when this message carried an id of its own. */
  id?: string;
  /** Milliseconds, when the message changed the reconnection time. */
  retry?: number;
}

/**
 * Splits a text/event-stream into messages. Feed it text as it arrives, in pieces of any
 * size; comments (heartbeats) yield nothing. A message is complete at its blank line, so a
 * torn last message is never delivered.
 */
export class Parser {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id: string | undefined;
  #retry: number | undefined;
  #started = false;

  feed(text: string): Message[] {
    if (!this.#started && text.length > 0) {
      this.#started = true;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    this.#rest += text;
    const messages: Message[] = [];
    for (;;) {
      const end = this.#rest.search(/[\r\n]/);
      if (end < 0) break;
      // A carriage return at the very end may be half of a CRLF.
      if (this.#rest[end] === "\r" && end === this.#rest.length - 1) break;
      const width = this.#rest[end] === "\r" && this.#rest[end + 1] === "\n" ? 2 : 1;
      const line = this.#rest.slice(0, end);
      this.#rest = this.#rest.slice(end + width);
      const message = this.#line(line);
      if (message) messages.push(message);
    }
    return messages;
  }

  #line(line: string): Message | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    switch (field) {
      case "event":
        this.#event = value;
        break;
      case "data":
        this.#data.push(value);
        break;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (/^\d+$/.test(value)) this.#retry = Number(value);
        break;
    }
    return undefined;
  }

  #dispatch(): Message | undefined {
    const empty = this.#data.length === 0 && this.#event === "" && this.#id === undefined && this.#retry === undefined;
    const message: Message = { event: this.#event || "message", data: this.#data.join("\n") };
    if (this.#id !== undefined) message.id = this.#id;
    if (this.#retry !== undefined) message.retry = this.#retry;
    this.#event = "";
    this.#data = [];
    this.#id = undefined;
    this.#retry = undefined;
    return empty ? undefined : message;
  }
}
