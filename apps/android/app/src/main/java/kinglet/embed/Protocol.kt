// Type-checked here against stubs (apps/android/stubs), never built with the Android SDK and never run.
package kinglet.embed

/** What the two sides may say: docs/webview.md has what each means. A test holds these against pkg/src/embed/messages.ts. */
object Protocol {
    const val VERSION = 1
    val APP = setOf(
        "hello", "load", "availability", "chat", "abort", "ledger", "stored", "stats", "unload", "dispose", "ping",
        "piece", "consent_answer", "token_answer", "refuse"
    )
    val PAGE = setOf(
        "awake", "ready", "progress", "begun", "chunk", "replace", "done", "error", "notice",
        "want", "consent_request", "token_request", "withdrawn"
    )
}
