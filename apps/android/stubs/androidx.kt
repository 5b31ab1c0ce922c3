// A stub, for a type check without the SDK: only what the sources name.
@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.webkit

import android.content.Context
import android.net.Uri
import android.webkit.WebResourceResponse
import android.webkit.WebView

abstract class JavaScriptReplyProxy {
    abstract fun postMessage(message: String)
}

class WebMessageCompat(val data: String?)

object WebViewCompat {
    interface WebMessageListener {
        fun onPostMessage(view: WebView, message: WebMessageCompat, sourceOrigin: Uri, isMainFrame: Boolean, replyProxy: JavaScriptReplyProxy)
    }

    fun addWebMessageListener(view: WebView, name: String, origins: Set<String>, listener: WebMessageListener) = Unit
}

class WebViewAssetLoader {
    fun shouldInterceptRequest(url: Uri): WebResourceResponse? = null

    interface PathHandler

    class AssetsPathHandler(context: Context) : PathHandler

    class Builder {
        fun addPathHandler(path: String, handler: PathHandler): Builder = this
        fun build() = WebViewAssetLoader()
    }
}
