// Not compiled here: there is no Swift toolchain on the machine that tests this repository.
import Foundation
import WebKit

/// What the app does: all of it is called on the main thread.
protocol KingletApp: AnyObject {
    /// Whatever the page says that is not answered here.
    func heard(_ message: [String: Any])
    /// Asks the user: "once", "session", "task" or "no".
    func consent(_ request: [String: Any], answer: @escaping (String) -> Void)
    /// Gives a token for one attempt at a remote model, or nil.
    func token(remote: String, answer: @escaping (String?) -> Void)
}

/// A WKWebView with embed.html from the app's bundle. When the system ends its process, the page is loaded anew, the model again, and open
/// chats go on; a process that is ended again and again has too little memory for the model, and then the app is told instead
/// (`process_ended`). `close()` when the chat is over.
final class KingletHost: NSObject, WKNavigationDelegate {
    private final class Chat {
        var message: [String: Any]
        var text = ""
        /// A page was asked, which may have been ended: another one is not asked for the same as if for the first time.
        var said = false
        init(_ message: [String: Any]) { self.message = message }
    }

    let view: WKWebView
    private weak var app: KingletApp?
    private let models: URL
    private let address = URL(string: "\(KingletScheme.name)://app/embed.html")!
    private var load: [String: Any]?
    /// The page knows this app; it is loading the model, for the first time or again.
    private var ready = false
    private var loading = false
    private var chats: [Int: Chat] = [:]
    private var lastId = 0
    /// How often the process was ended since a model was there and no chat waited for it, or a chat was done.
    private var ends = 0
    /// So often in a row the same is tried again.
    private static let mostEnds = 2

    init(page: URL, models: URL, app: KingletApp) {
        self.app = app
        self.models = models
        let configuration = WKWebViewConfiguration()
        configuration.setURLSchemeHandler(KingletScheme(page: page, models: models), forURLScheme: KingletScheme.name)
        view = WKWebView(frame: .zero, configuration: configuration)
        super.init()
        view.configuration.userContentController.add(Ear(self), name: "kinglet")
        view.navigationDelegate = self
        view.load(URLRequest(url: address))
    }

    /// What the controller holds for as long as it lives: not the host itself, which holds the view and so the controller.
    private final class Ear: NSObject, WKScriptMessageHandler {
        private weak var host: KingletHost?
        init(_ host: KingletHost) { self.host = host }
        func userContentController(_ controller: WKUserContentController, didReceive message: WKScriptMessage) {
            host?.hear(message)
        }
    }

    /// Nothing is heard from now on, and the page with its model is let go.
    func close() {
        ready = false
        load = nil
        loading = false
        chats = [:]
        view.configuration.userContentController.removeScriptMessageHandler(forName: "kinglet")
        view.navigationDelegate = nil
        view.stopLoading()
        view.removeFromSuperview()
        view.loadHTMLString("", baseURL: nil)
    }

    /// Says a request; returns its id, which its answers have. Loading waits for the page, chats wait for the model; anything else is for
    /// after `ready`.
    @discardableResult
    func ask(_ type: String, _ fields: [String: Any] = [:]) -> Int {
        precondition(KingletProtocol.app.contains(type), "no such message: \(type)")
        lastId += 1
        let message = fields.merging(["kinglet": KingletProtocol.version, "type": type, "id": lastId]) { $1 }
        switch type {
        case "load": (load, loading) = (message, true)
        case "chat": chats[lastId] = Chat(message)
        case "dispose": (load, loading) = (nil, false)
        default: break
        }
        if ready && !(loading && type == "chat") {
            chats[lastId]?.said = true
            say(message)
        }
        if ready && type == "dispose" {
            // What waited for the model hears that there is none.
            for (_, chat) in chats.sorted(by: { $0.key < $1.key }) where !chat.said {
                chat.said = true
                say(chat.message)
            }
        }
        return lastId
    }

    func abort(_ id: Int) { answer("abort", id, [:]) }

    private func answer(_ type: String, _ id: Any, _ fields: [String: Any]) {
        say(fields.merging(["kinglet": KingletProtocol.version, "type": type, "id": id]) { $1 })
    }

    /// The message is an argument, never part of a script.
    private func say(_ message: [String: Any]) {
        guard let data = try? JSONSerialization.data(withJSONObject: message), let text = String(data: data, encoding: .utf8) else { return }
        view.callAsyncJavaScript("window.kingletEmbed?.receive(text)", arguments: ["text": text], in: nil, in: .page)
    }

    private func hear(_ message: WKScriptMessage) {
        let from = message.frameInfo
        guard from.isMainFrame, from.securityOrigin.protocol == KingletScheme.name, from.securityOrigin.host == "app",
            let data = (message.body as? String)?.data(using: .utf8),
            let said = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any],
            let type = said["type"] as? String, KingletProtocol.page.contains(type)
        else { return }
        let id = said["id"] ?? NSNull()
        let chat = (id as? Int).flatMap { chats[$0] }
        switch type {
        case "awake":
            ready = false
            answer("hello", 0, ["versions": [KingletProtocol.version], "host": "ios"])
        case "ready":
            ready = true
            loading = load != nil
            if let load { say(load) } else { goOn() }
            app?.heard(said)
        case "begun":
            var params = chat?.message["params"] as? [String: Any]
            params?["seed"] = said["seed"]
            chat?.message["params"] = params
        case "chunk":
            let choice = ((said["chunk"] as? [String: Any])?["choices"] as? [[String: Any]])?.first
            chat?.text += (choice?["delta"] as? [String: Any])?["content"] as? String ?? ""
            app?.heard(said)
        case "replace":
            chat?.text = said["text"] as? String ?? ""
            app?.heard(said)
        case "want":
            hand(said, id)
        case "consent_request":
            guard let app else { return answer("refuse", id, ["message": "nobody to ask"]) }
            app.consent(said["request"] as? [String: Any] ?? [:]) { self.answer("consent_answer", id, ["answer": $0]) }
        case "token_request":
            guard let app else { return answer("refuse", id, ["message": "no token"]) }
            app.token(remote: said["remote"] as? String ?? "") { token in
                if let token { self.answer("token_answer", id, ["token": token]) } else { self.answer("refuse", id, ["message": "no token"]) }
            }
        case "done", "error":
            if let number = id as? Int {
                let wasChat = chats.removeValue(forKey: number) != nil
                // A model that can be loaded may still be too large for the chat that goes on next.
                if type == "done", wasChat || (chats.isEmpty && number == load?["id"] as? Int) { ends = 0 }
            }
            app?.heard(said)
            if loading, let number = id as? Int, number == load?["id"] as? Int {
                loading = false
                goOn() // where loading failed, each of them hears that there is no model
            }
        default:
            app?.heard(said)
        }
    }

    /// What waits, and what was open when the process was ended: that with its seed, and without what is here.
    private func goOn() {
        for (_, chat) in chats.sorted(by: { $0.key < $1.key }) {
            say(chat.said ? chat.message.merging(["resume": ["text": chat.text]]) { $1 } : chat.message)
            chat.said = true
        }
    }

    /// Exactly the bytes that were asked for, of a file in the folder of the models.
    private func hand(_ want: [String: Any], _ id: Any) {
        guard let name = want["name"] as? String, (name as NSString).lastPathComponent == name, name != "..", let at = want["at"] as? UInt64,
            let length = want["length"] as? Int, (1...(1 << 20)).contains(length),
            let file = try? FileHandle(forReadingFrom: models.appendingPathComponent(name)), (try? file.seek(toOffset: at)) != nil
        else { return answer("refuse", id, ["message": "no such bytes"]) }
        let data = file.readData(ofLength: length)
        if data.count == length { answer("piece", id, ["at": at, "data": data.base64EncodedString()]) } else { answer("refuse", id, ["message": "no such bytes"]) }
    }

    /// Only the page itself: no links.
    func webView(_ webView: WKWebView, decidePolicyFor action: WKNavigationAction, decisionHandler: @escaping (WKNavigationActionPolicy) -> Void) {
        decisionHandler(action.request.url == address ? .allow : .cancel)
    }

    func webViewWebContentProcessDidTerminate(_ webView: WKWebView) {
        ready = false
        ends += 1
        if ends > Self.mostEnds { giveUp() }
        webView.load(URLRequest(url: address))
    }

    /// Neither the model is loaded again nor a chat gone on with: each of them has failed. The page is there for another model.
    private func giveUp() {
        let lost = Set(chats.keys).union([load?["id"] as? Int].compactMap { $0 }).sorted()
        (load, loading, chats, ends) = (nil, false, [:], 0)
        let error: [String: Any] = [
            "code": "process_ended", "detail": [String: Any](),
            "message": "The system has ended the page's process \(Self.mostEnds + 1) times: this model needs too much memory here.",
        ]
        for id in lost { app?.heard(["kinglet": KingletProtocol.version, "type": "error", "id": id, "error": error]) }
    }
}
