// A stub, for a type check without the SDK: only what the sources name.
@file:Suppress("UNUSED_PARAMETER", "unused")

package android.view

open class View {
    fun post(action: () -> Unit): Boolean = true
}

abstract class ViewGroup : View() {
    fun addView(view: View) = Unit
    fun removeView(view: View) = Unit
}
