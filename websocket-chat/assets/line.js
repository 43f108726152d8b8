// One WebSocket. Where the browser has WebSocketStream, reading can wait, which is what "slow reader" needs: a plain
// WebSocket hands over whatever comes, as fast as it comes.
export const canBeSlow = 'WebSocketStream' in window;

const SLOW_MS = 2000;

export class Line {
  // `told`: opened(protocol, extensions), heard(text), closed(code, reason)
  constructor(url, protocol, told, isSlow) {
    this.told = told;
    this.isSlow = isSlow;
    if (canBeSlow) this.#stream(url, protocol);
    else this.#socket(url, protocol);
  }

  #socket(url, protocol) {
    const socket = new WebSocket(url, protocol);
    socket.onopen = () => this.told.opened(socket.protocol, socket.extensions);
    socket.onmessage = (event) => this.told.heard(event.data);
    socket.onclose = (event) => this.told.closed(event.code, event.reason);
    this.send = (text) => socket.send(text);
    this.close = (code, reason) => socket.close(code, reason);
  }

  async #stream(url, protocol) {
    const stream = new WebSocketStream(url, { protocols: [protocol] });
    this.close = (closeCode, reason) => stream.close({ closeCode, reason });
    stream.closed.then(
      ({ closeCode, reason }) => this.told.closed(closeCode, reason),
      () => this.told.closed(1006, ''),
    );
    try {
      const { readable, writable, protocol: agreed, extensions } = await stream.opened;
      const writer = writable.getWriter();
      this.send = (text) => { writer.write(text).catch(() => {}); };
      this.told.opened(agreed, extensions);
      const reader = readable.getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        this.told.heard(value);
        if (this.isSlow()) await this.#pause();
      }
    } catch {
      // `closed` has told it.
    }
  }

  // Wakes early when the switch is turned off.
  async #pause() {
    for (let waited = 0; waited < SLOW_MS && this.isSlow(); waited += 100) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  send() {}
  close() {}
}
