// A stub, for a type check without the SDK: only what the sources name.
@file:Suppress("UNUSED_PARAMETER", "unused")

package android.util

object Base64 {
    const val NO_WRAP = 2
    fun encodeToString(bytes: ByteArray, flags: Int): String = ""
}
