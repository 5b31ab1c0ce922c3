// Type-checked here against stubs (apps/android/stubs), never built with the Android SDK and never run.
package kinglet.embed

import android.content.Context
import android.view.ViewGroup
import java.io.File
import org.json.JSONArray
import org.json.JSONObject

/** The quick start of docs/webview.md. */
class Sample(private val context: Context, private val parent: ViewGroup, private val folder: File, private val show: (String) -> Unit) : KingletApp {
    private val host = KingletHost(context, parent, folder, this)

    fun begin() {
        host.open()
        val pieces = JSONObject().put("name", "model.gguf").put("size", File(folder, "model.gguf").length())
        host.ask("load", JSONObject().put("model", JSONObject().put("pieces", pieces)).put("memory", 1_000_000_000))
        val question = JSONObject().put("role", "user").put("content", "Where is my parcel?")
        host.ask("chat", JSONObject().put("params", JSONObject().put("messages", JSONArray().put(question)).put("stream", true)))
    }

    override fun heard(message: JSONObject) = show(message.toString())
    override fun consent(request: JSONObject, answer: (String) -> Unit) = answer("no")
    override fun token(remote: String, answer: (String?) -> Unit) = answer(null)
}
