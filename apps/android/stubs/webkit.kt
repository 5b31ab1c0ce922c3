// A stub, for a type check without the SDK: only what the sources name.
@file:Suppress("UNUSED_PARAMETER", "unused")

package android.webkit

import android.content.Context
import android.net.Uri
import android.view.View

class WebSettings {
    var javaScriptEnabled = false
    var allowFileAccess = true
}

open class WebView(context: Context) : View() {
    val settings = WebSettings()
    var webViewClient = WebViewClient()
    fun loadUrl(url: String) = Unit
    fun destroy() = Unit
}

interface WebResourceRequest {
    val url: Uri
}

class WebResourceResponse

abstract class RenderProcessGoneDetail

open class WebViewClient {
    open fun shouldInterceptRequest(view: WebView, request: WebResourceRequest): WebResourceResponse? = null
    open fun shouldOverrideUrlLoading(view: WebView, request: WebResourceRequest): Boolean = false
    open fun onRenderProcessGone(view: WebView, detail: RenderProcessGoneDetail): Boolean = false
}
