// A stub, for a type check without the SDK: only what the sources name.
@file:Suppress("UNUSED_PARAMETER", "unused")

package org.json

class JSONArray {
    fun put(value: Any?): JSONArray = this
    fun optJSONObject(at: Int): JSONObject? = null
}

class JSONObject() {
    constructor(text: String) : this()

    fun put(name: String, value: Int): JSONObject = this
    fun put(name: String, value: Long): JSONObject = this
    fun put(name: String, value: Boolean): JSONObject = this
    fun put(name: String, value: Any?): JSONObject = this
    fun get(name: String): Any = ""
    fun opt(name: String): Any? = null
    fun optInt(name: String): Int = 0
    fun isNull(name: String): Boolean = false
    fun getString(name: String): String = ""
    fun optString(name: String): String = ""
    fun getInt(name: String): Int = 0
    fun getLong(name: String): Long = 0
    fun getJSONObject(name: String): JSONObject = this
    fun optJSONObject(name: String): JSONObject? = null
    fun getJSONArray(name: String): JSONArray = JSONArray()
}
