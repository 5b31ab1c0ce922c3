// A stub, for a type check without the SDK: only what the sources name.
@file:Suppress("UNUSED_PARAMETER", "unused")

package android.content

open class Context
