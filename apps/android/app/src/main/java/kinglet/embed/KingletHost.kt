// Type-checked here against stubs (apps/android/stubs), never built with the Android SDK and never run.
package kinglet.embed

import android.content.Context
import android.net.Uri
import android.util.Base64
import android.view.ViewGroup
import android.webkit.RenderProcessGoneDetail
import android.webkit.WebResourceRequest
import android.webkit.WebResourceResponse
import android.webkit.WebView
import android.webkit.WebViewClient
import androidx.webkit.JavaScriptReplyProxy
import androidx.webkit.WebMessageCompat
import androidx.webkit.WebViewAssetLoader
import androidx.webkit.WebViewCompat
import java.io.File
import java.io.RandomAccessFile
import java.util.concurrent.Executors
import org.json.JSONArray
import org.json.JSONObject

/** What the app does: all of it is called on the main thread. */
interface KingletApp {
    /** Whatever the page says that is not answered here. */
    fun heard(message: JSONObject)
    /** Asks the user; call `answer` with "once", "session", "task" or "no". */
    fun consent(request: JSONObject, answer: (String) -> Unit)
    /** Gives a token for one attempt at a remote model, or null. */
    fun token(remote: String, answer: (String?) -> Unit)
}

/**
 * A WebView with embed.html from the app's assets (assets/kinglet/ has www/, and the package in pkg/). Models are files of `models`; the page
 * asks for their bytes. When the system ends the page's process, it is made anew, the model is loaded again, and open chats go on; a process
 * that is ended again and again has too little memory for the model, and then the app is told instead (`process_ended`).
 */
class KingletHost(private val context: Context, private val parent: ViewGroup, private val models: File, private val app: KingletApp) {
    private class Chat(val message: JSONObject) {
        val text = StringBuilder()
        /** A page was asked, which may have been ended: another one is not asked for the same as if for the first time. */
        var said = false
    }

    private val assets = WebViewAssetLoader.Builder().addPathHandler("/assets/", WebViewAssetLoader.AssetsPathHandler(context)).build()
    private var view: WebView? = null
    private var page: JavaScriptReplyProxy? = null
    private var load: JSONObject? = null
    /** The page knows this app; it is loading the model, for the first time or again. */
    private var ready = false
    private var loading = false
    private val chats = LinkedHashMap<Int, Chat>()
    private var lastId = 0
    /** How often the process was ended since a model was there and no chat waited for it, or a chat was done. */
    private var ends = 0
    /** Reads pieces of models beside the main thread; without any its threads end. */
    private val reader = Executors.newCachedThreadPool()

    fun open() {
        val web = WebView(context)
        web.settings.javaScriptEnabled = true
        web.settings.allowFileAccess = false
        web.webViewClient = Client()
        // Only this origin gets the object, and only what its main frame says is heard.
        WebViewCompat.addWebMessageListener(web, "kingletHost", setOf(ORIGIN), Listener())
        parent.addView(web)
        view = web
        web.loadUrl("$ORIGIN/assets/kinglet/embed.html")
    }

    fun close() {
        page = null
        ready = false
        view?.let { parent.removeView(it) }
        view?.destroy()
        view = null
    }

    /**
     * Says a request; returns its id, which its answers have. Loading waits for the page, chats wait for the model; anything else is for
     * after `ready`.
     */
    fun ask(type: String, fields: JSONObject = JSONObject()): Int {
        require(type in Protocol.APP) { "no such message: $type" }
        lastId += 1
        val message = fields.put("kinglet", Protocol.VERSION).put("type", type).put("id", lastId)
        when (type) {
            "load" -> { load = message; loading = true }
            "chat" -> chats[lastId] = Chat(message)
            "dispose" -> { load = null; loading = false }
        }
        if (ready && !(loading && type == "chat")) {
            chats[lastId]?.said = true
            say(message)
        }
        // What waited for the model hears that there is none.
        if (ready && type == "dispose") chats.values.filterNot { it.said }.forEach { it.said = true; say(it.message) }
        return lastId
    }

    fun abort(id: Int) = say(message("abort").put("id", id))

    private fun message(type: String) = JSONObject().put("kinglet", Protocol.VERSION).put("type", type)

    private fun say(message: JSONObject) {
        page?.postMessage(message.toString())
    }

    private inner class Listener : WebViewCompat.WebMessageListener {
        override fun onPostMessage(view: WebView, message: WebMessageCompat, sourceOrigin: Uri, isMainFrame: Boolean, replyProxy: JavaScriptReplyProxy) {
            if (!isMainFrame || sourceOrigin.toString() != ORIGIN) return
            val said = JSONObject(message.data ?: return)
            if (said.optString("type") !in Protocol.PAGE) return
            page = replyProxy
            heard(said)
        }
    }

    private fun heard(said: JSONObject) {
        val id = said.opt("id")
        when (said.getString("type")) {
            "awake" -> {
                ready = false
                say(message("hello").put("id", 0).put("versions", JSONArray().put(Protocol.VERSION)).put("host", "android"))
            }
            "ready" -> {
                ready = true
                loading = load != null
                load?.let { say(it) } ?: goOn()
                app.heard(said)
            }
            "begun" -> chats[id]?.message?.getJSONObject("params")?.put("seed", said.get("seed"))
            "chunk" -> {
                val delta = said.getJSONObject("chunk").getJSONArray("choices").optJSONObject(0)?.optJSONObject("delta")
                if (delta != null && !delta.isNull("content")) chats[id]?.text?.append(delta.optString("content"))
                app.heard(said)
            }
            "replace" -> {
                chats[id]?.text?.apply { setLength(0); append(said.getString("text")) }
                app.heard(said)
            }
            "want" -> read(said)
            "consent_request" -> app.consent(said.getJSONObject("request")) { say(message("consent_answer").put("id", id).put("answer", it)) }
            "token_request" -> app.token(said.getString("remote")) { token ->
                val answer = if (token == null) message("refuse").put("message", "no token") else message("token_answer").put("token", token)
                say(answer.put("id", id))
            }
            "done", "error" -> {
                val chat = chats.remove(id) != null
                // A model that can be loaded may still be too large for the chat that goes on next.
                if (said.getString("type") == "done" && (chat || (chats.isEmpty() && id == load?.get("id")))) ends = 0
                app.heard(said)
                if (loading && id == load?.get("id")) {
                    loading = false
                    goOn() // where loading failed, each of them hears that there is no model
                }
            }
            else -> app.heard(said)
        }
    }

    /** What waits, and what was open when the process was ended: that with its seed, and without what is here. */
    private fun goOn() = chats.values.toList().forEach { chat ->
        if (chat.said) chat.message.put("resume", JSONObject().put("text", chat.text.toString()))
        chat.said = true
        say(chat.message)
    }

    private fun read(want: JSONObject) {
        val to = page
        reader.execute {
            val piece = piece(want)
            parent.post { if (page === to) say(piece) } // another page has not asked for it
        }
    }

    /** Exactly the bytes that were asked for, of a file in the folder of the models. */
    private fun piece(want: JSONObject): JSONObject {
        val (name, at, length) = Triple(want.getString("name"), want.getLong("at"), want.getInt("length"))
        return try {
            require(File(name).name == name && length in 1..LONGEST)
            val bytes = ByteArray(length)
            RandomAccessFile(File(models, name), "r").use { it.seek(at); it.readFully(bytes) }
            message("piece").put("id", want.get("id")).put("at", at).put("data", Base64.encodeToString(bytes, Base64.NO_WRAP))
        } catch (error: Exception) {
            message("refuse").put("id", want.get("id")).put("message", "no such bytes")
        }
    }

    private inner class Client : WebViewClient() {
        override fun shouldInterceptRequest(view: WebView, request: WebResourceRequest): WebResourceResponse? = assets.shouldInterceptRequest(request.url)

        /** Only the page itself: no links. */
        override fun shouldOverrideUrlLoading(view: WebView, request: WebResourceRequest): Boolean = true

        override fun onRenderProcessGone(view: WebView, detail: RenderProcessGoneDetail): Boolean {
            close()
            ends += 1
            if (ends > MOST_ENDS) giveUp()
            open()
            return true
        }
    }

    /** Neither the model is loaded again nor a chat gone on with: each of them has failed. The page is there for another model. */
    private fun giveUp() {
        val lost = chats.keys.toList() + listOfNotNull(load?.optInt("id"))
        load = null
        loading = false
        chats.clear()
        ends = 0
        val error = JSONObject().put("code", "process_ended").put("detail", JSONObject()).put("message", "The system has ended the page's process ${MOST_ENDS + 1} times: this model needs too much memory here.")
        for (id in lost.distinct()) app.heard(message("error").put("id", id).put("error", error))
    }

    private companion object {
        /** So often in a row the same is tried again. */
        const val MOST_ENDS = 2
        const val ORIGIN = "https://appassets.androidplatform.net"
        const val LONGEST = 1 shl 20
    }
}
