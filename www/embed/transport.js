// The ways to an app. Each is `{bytes, begin(heard), say(message, transfer)}`: `heard` gets what the app says, as it came.
//
// A frame's parent must be of an origin that this page names; the native ones exist only where an app has put them there, for this
// page's own origin, and only in the top frame.

/** The way that there is here, or undefined. */
export function transport() {
  if (window.parent !== window) {
    return framed(allowed());
  }
  if (window.kingletHost?.postMessage) {
    return android(window.kingletHost);
  }
  const webkit = window.webkit?.messageHandlers?.kinglet;
  return webkit && apple(webkit);
}

/** Origins that may have this page in a frame: exact ones. What is no origin is ignored, `*` and `null` above all. */
function allowed() {
  const said = document.querySelector('meta[name="kinglet-embed-origins"]')?.content.split(/\s+/) ?? [];
  const exact = said.filter((origin) => URL.canParse(origin) && new URL(origin).origin === origin);
  return new Set([location.origin, ...exact].filter((origin) => origin !== 'null'));
}

/** postMessage to the parent, for the first words; then the port that comes with `hello`. */
function framed(origins) {
  let port;
  return {
    bytes: 'port',
    begin(heard) {
      addEventListener('message', ({ source, origin, data, ports }) => {
        if (source !== window.parent || !origins.has(origin) || ports.length !== 1) return;
        if (data?.type !== 'hello') return;
        port?.close();
        port = ports[0];
        port.onmessage = (event) => heard(event.data);
        heard(data);
      });
    },
    say(message, transfer = []) {
      if (port === undefined && message.type === 'awake') {
        // Delivered only to a parent of exactly this origin.
        for (const origin of origins) window.parent.postMessage(message, origin);
      } else {
        port?.postMessage(message, transfer);
      }
    },
  };
}

/** An object that WebViewCompat.addWebMessageListener has put here, for the origins of its rules. */
function android(host) {
  return {
    bytes: 'text',
    begin: (heard) => (host.onmessage = ({ data }) => heard(data)),
    say: (message) => host.postMessage(JSON.stringify(message)),
  };
}

/** WKScriptMessageHandler, and WebKitGTK's: the app calls `kingletEmbed.receive`. */
function apple(handler) {
  return {
    bytes: 'text',
    begin: (heard) => Object.defineProperty(window, 'kingletEmbed', { value: Object.freeze({ receive: (text) => void heard(text) }) }),
    say: (message) => handler.postMessage(JSON.stringify(message)),
  };
}
