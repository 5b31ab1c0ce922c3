// Not compiled here: there is no Swift toolchain on the machine that tests this repository.

/// What the two sides may say: docs/webview.md has what each means. A test holds these against pkg/src/embed/messages.ts.
enum KingletProtocol {
    static let version = 1
    static let app: Set<String> = [
        "hello", "load", "availability", "chat", "abort", "ledger", "stored", "stats", "unload", "dispose", "ping",
        "piece", "consent_answer", "token_answer", "refuse",
    ]
    static let page: Set<String> = [
        "awake", "ready", "progress", "begun", "chunk", "replace", "done", "error", "notice",
        "want", "consent_request", "token_request", "withdrawn",
    ]
}
