// A window with kinglet's embed.html in it, loaded from disk through a scheme of its own (WebKitGTK). A line of standard input is a
// message for the page, a line of standard output one of the page (docs/webview.md). Lines that begin with `!` are the window's own:
// in `!kill` (ends the web process, as a system short of memory does) and `!quit`; out `!ended REASON`, after which the page is loaded
// again. Pieces of models that the page asks for (`want`) are read here, from the folder of the models.
#include <gio/gunixinputstream.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <webkit2/webkit2.h>

#define SCHEME "kinglet"
#define PAGE SCHEME "://app/embed.html"
// What the page's own bound is for texts (pkg/src/embed/messages.ts).
#define PIECE (1 << 20)

static char *www = NULL, *pkg = NULL, *models = NULL, *data = NULL;
// How a host may be wrong: for tests of what then happens.
static gboolean no_range = FALSE, no_cors = FALSE, debug = FALSE;
static char *no_mime = NULL;
static WebKitWebView *view = NULL;

static const GOptionEntry OPTIONS[] = {
    {"www", 0, 0, G_OPTION_ARG_FILENAME, &www, "Folder with embed.html", "DIR"},
    {"pkg", 0, 0, G_OPTION_ARG_FILENAME, &pkg, "Folder of the package, with dist/ and wasm/", "DIR"},
    {"models", 0, 0, G_OPTION_ARG_FILENAME, &models, "Folder with models", "DIR"},
    {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, "Where the page keeps what it stores; default: nowhere", "DIR"},
    {"no-range", 0, 0, G_OPTION_ARG_NONE, &no_range, "Ignore Range", NULL},
    {"no-mime", 0, 0, G_OPTION_ARG_STRING, &no_mime, "Files that end so are application/octet-stream", "SUFFIX"},
    {"no-cors", 0, 0, G_OPTION_ARG_NONE, &no_cors, "No Access-Control-Allow-Origin", NULL},
    {"debug", 0, 0, G_OPTION_ARG_NONE, &debug, "The page's console on standard output", NULL},
    {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
};

static void say(const char *text) {
  fputs(text, stdout);
  fputc('\n', stdout);
  fflush(stdout);
}

// The file of a path below one of the folders; NULL for what is elsewhere, also by way of a link.
static char *below(const char *folder, const char *path) {
  g_autofree char *joined = folder == NULL ? NULL : g_build_filename(folder, path, NULL);
  g_autofree char *root = folder == NULL ? NULL : realpath(folder, NULL);
  g_autofree char *file = joined == NULL ? NULL : realpath(joined, NULL);
  if (root == NULL || file == NULL) return NULL;
  size_t length = strlen(root);
  gboolean inside = strncmp(file, root, length) == 0 && file[length] == '/';
  return inside && g_file_test(file, G_FILE_TEST_IS_REGULAR) ? g_strdup(file) : NULL;
}

static const char *mime(const char *file) {
  static const char *const TYPES[][2] = {
      {".html", "text/html"}, {".js", "text/javascript"}, {".css", "text/css"}, {".svg", "image/svg+xml"}, {".wasm", "application/wasm"}, {".json", "application/json"},
  };
  gboolean wrong = no_mime != NULL && g_str_has_suffix(file, no_mime);
  for (size_t i = 0; !wrong && i < G_N_ELEMENTS(TYPES); i++)
    if (g_str_has_suffix(file, TYPES[i][0])) return TYPES[i][1];
  return "application/octet-stream";
}

static void refuse(WebKitURISchemeRequest *request) {
  g_autoptr(GError) error = g_error_new_literal(G_FILE_ERROR, G_FILE_ERROR_NOENT, "not found");
  webkit_uri_scheme_request_finish_error(request, error);
}

// kinglet://app/… is the page and the package, kinglet://models/… a model.
static void serve(WebKitURISchemeRequest *request, gpointer unused) {
  (void)unused;
  g_autoptr(GUri) uri = g_uri_parse(webkit_uri_scheme_request_get_uri(request), G_URI_FLAGS_NONE, NULL);
  const char *host = uri == NULL ? NULL : g_uri_get_host(uri), *path = uri == NULL ? NULL : g_uri_get_path(uri);
  if (host == NULL || path == NULL) return refuse(request);
  g_autofree char *file = g_str_equal(host, "models")       ? below(models, path)
                          : !g_str_equal(host, "app")       ? NULL
                          : g_str_has_prefix(path, "/pkg/") ? below(pkg, path + 4)
                          : g_str_has_prefix(path, "/models/") ? below(models, path + 7)
                                                               : below(www, path);
  // The bytes are mapped, not read: a model may be larger than the memory.
  g_autoptr(GMappedFile) mapped = file == NULL ? NULL : g_mapped_file_new(file, FALSE, NULL);
  if (mapped == NULL) return refuse(request);
  guint64 size = g_mapped_file_get_length(mapped), start = 0, end = size;
  g_autoptr(GBytes) all = g_mapped_file_get_bytes(mapped);
  SoupMessageHeaders *asked = webkit_uri_scheme_request_get_http_headers(request);
  SoupMessageHeaders *headers = soup_message_headers_new(SOUP_MESSAGE_HEADERS_RESPONSE);
  const char *range = asked == NULL || no_range ? NULL : soup_message_headers_get_one(asked, "Range");
  guint status = 200;
  char *rest = NULL;
  if (range != NULL && g_str_has_prefix(range, "bytes=") && g_ascii_isdigit(range[6])) {
    start = g_ascii_strtoull(range + 6, &rest, 10);
    if (*rest == '-' && g_ascii_isdigit(rest[1])) end = MIN(g_ascii_strtoull(rest + 1, NULL, 10) + 1, size);
    status = start < end ? 206 : 416;
    g_autofree char *content = status == 206 ? g_strdup_printf("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT, start, end - 1, size)
                                             : g_strdup_printf("bytes */%" G_GUINT64_FORMAT, size);
    soup_message_headers_append(headers, "Content-Range", content);
    if (status == 416) start = end = 0;
  }
  // A file is known again by its time and length.
  GStatBuf about;
  if (g_stat(file, &about) == 0) {
    g_autofree char *tag = g_strdup_printf("\"%" G_GINT64_FORMAT "-%" G_GUINT64_FORMAT "\"", (gint64)about.st_mtime, size);
    soup_message_headers_append(headers, "ETag", tag);
  }
  if (!no_range) soup_message_headers_append(headers, "Accept-Ranges", "bytes");
  if (!no_cors) {
    soup_message_headers_append(headers, "Access-Control-Allow-Origin", SCHEME "://app");
    soup_message_headers_append(headers, "Access-Control-Expose-Headers", "Content-Range, Content-Length, Accept-Ranges, ETag");
  }
  g_autoptr(GBytes) part = g_bytes_new_from_bytes(all, start, end - start);
  g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_bytes(part);
  g_autoptr(WebKitURISchemeResponse) response = webkit_uri_scheme_response_new(stream, (gint64)(end - start));
  webkit_uri_scheme_response_set_status(response, status, NULL);
  webkit_uri_scheme_response_set_content_type(response, mime(file));
  webkit_uri_scheme_response_set_http_headers(response, headers);
  webkit_uri_scheme_request_finish_with_response(request, response);
}

// Hands a message to the page. It is an argument, never part of a script.
static void tell(const char *text) {
  g_autoptr(GVariant) arguments = g_variant_ref_sink(g_variant_new_parsed("{'text': <%s>}", text));
  webkit_web_view_call_async_javascript_function(view, "window.kingletEmbed?.receive(text)", -1, arguments, NULL, NULL, NULL, NULL, NULL);
}

// Answers `want`: exactly the bytes that were asked for, or a refusal.
static void hand_over(JSCValue *want) {
  g_autoptr(JSCValue) id = jsc_value_object_get_property(want, "id"), name = jsc_value_object_get_property(want, "name");
  g_autoptr(JSCValue) at = jsc_value_object_get_property(want, "at"), length = jsc_value_object_get_property(want, "length");
  g_autofree char *is = jsc_value_to_json(id, 0), *called = jsc_value_to_string(name);
  g_autofree char *file = strchr(called, '/') == NULL ? below(models, called) : NULL;
  double from = jsc_value_to_double(at), bytes = jsc_value_to_double(length);
  g_autofree guchar *buffer = NULL;
  gboolean read = FALSE;
  FILE *opened = file == NULL || !(from >= 0 && bytes > 0 && bytes <= PIECE) ? NULL : fopen(file, "rb");
  if (opened != NULL) {
    buffer = g_malloc((gsize)bytes);
    read = fseeko(opened, (off_t)from, SEEK_SET) == 0 && fread(buffer, 1, (gsize)bytes, opened) == (gsize)bytes;
    fclose(opened);
  }
  g_autofree char *coded = read ? g_base64_encode(buffer, (gsize)bytes) : NULL;
  g_autofree char *answer = read ? g_strdup_printf("{\"kinglet\":1,\"type\":\"piece\",\"id\":%s,\"at\":%.0f,\"data\":\"%s\"}", is, from, coded)
                                 : g_strdup_printf("{\"kinglet\":1,\"type\":\"refuse\",\"id\":%s,\"message\":\"no such bytes\"}", is);
  tell(answer);
}

static void heard(WebKitUserContentManager *manager, WebKitJavascriptResult *result, gpointer unused) {
  (void)manager, (void)unused;
  JSCValue *value = webkit_javascript_result_get_js_value(result);
  if (!jsc_value_is_string(value)) return;
  g_autofree char *text = jsc_value_to_string(value);
  g_autoptr(JSCValue) message = jsc_value_new_from_json(jsc_value_get_context(value), text);
  g_autoptr(JSCValue) type = message == NULL || !jsc_value_is_object(message) ? NULL : jsc_value_object_get_property(message, "type");
  g_autofree char *is = type == NULL ? NULL : jsc_value_to_string(type);
  if (g_strcmp0(is, "want") == 0) return hand_over(message);
  say(text);
}

static void ended(WebKitWebView *of, WebKitWebProcessTerminationReason reason, gpointer unused) {
  (void)unused;
  static const char *const REASONS[] = {"crashed", "memory", "killed"};
  g_autofree char *line = g_strdup_printf("!ended %s", (guint)reason < G_N_ELEMENTS(REASONS) ? REASONS[reason] : "unknown");
  say(line);
  webkit_web_view_load_uri(of, PAGE); // what was open is the app's to ask for again: the page says awake
}

// Only this page, nothing else: no links, no windows.
static gboolean decide(WebKitWebView *of, WebKitPolicyDecision *decision, WebKitPolicyDecisionType type, gpointer unused) {
  (void)of, (void)unused;
  if (type == WEBKIT_POLICY_DECISION_TYPE_RESPONSE) return FALSE;
  WebKitNavigationAction *action = webkit_navigation_policy_decision_get_navigation_action(WEBKIT_NAVIGATION_POLICY_DECISION(decision));
  const char *to = webkit_uri_request_get_uri(webkit_navigation_action_get_request(action));
  if (type == WEBKIT_POLICY_DECISION_TYPE_NAVIGATION_ACTION && g_str_equal(to, PAGE)) return FALSE;
  webkit_policy_decision_ignore(decision);
  return TRUE;
}

static void line_read(GObject *source, GAsyncResult *result, gpointer unused) {
  (void)unused;
  GDataInputStream *input = G_DATA_INPUT_STREAM(source);
  g_autofree char *line = g_data_input_stream_read_line_finish_utf8(input, result, NULL, NULL);
  if (line == NULL || g_str_equal(line, "!quit")) return gtk_main_quit();
  if (g_str_equal(line, "!kill")) webkit_web_view_terminate_web_process(view);
  else if (*line != '\0') tell(line);
  g_data_input_stream_read_line_async(input, G_PRIORITY_DEFAULT, NULL, line_read, NULL);
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  if (!gtk_init_with_args(&argc, &argv, "- kinglet in a WebView", OPTIONS, NULL, &error) || www == NULL || pkg == NULL) {
    g_printerr("%s\n", error != NULL ? error->message : "--www and --pkg are needed");
    return 2;
  }
  g_autoptr(WebKitWebsiteDataManager) kept = data == NULL ? webkit_website_data_manager_new_ephemeral()
                                                          : webkit_website_data_manager_new("base-data-directory", data, "base-cache-directory", data, NULL);
  g_autoptr(WebKitWebContext) context = webkit_web_context_new_with_website_data_manager(kept);
  webkit_web_context_register_uri_scheme(context, SCHEME, serve, NULL, NULL);
  WebKitSecurityManager *security = webkit_web_context_get_security_manager(context);
  webkit_security_manager_register_uri_scheme_as_secure(security, SCHEME);
  webkit_security_manager_register_uri_scheme_as_cors_enabled(security, SCHEME);
  WebKitUserContentManager *manager = webkit_user_content_manager_new();
  g_signal_connect(manager, "script-message-received::kinglet", G_CALLBACK(heard), NULL);
  webkit_user_content_manager_register_script_message_handler(manager, "kinglet");
  view = WEBKIT_WEB_VIEW(g_object_new(WEBKIT_TYPE_WEB_VIEW, "web-context", context, "user-content-manager", manager, NULL));
  WebKitSettings *settings = webkit_web_view_get_settings(view);
  webkit_settings_set_hardware_acceleration_policy(settings, WEBKIT_HARDWARE_ACCELERATION_POLICY_NEVER);
  webkit_settings_set_enable_write_console_messages_to_stdout(settings, debug);
  g_signal_connect(view, "web-process-terminated", G_CALLBACK(ended), NULL);
  g_signal_connect(view, "decide-policy", G_CALLBACK(decide), NULL);
  GtkWidget *window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
  g_signal_connect(window, "destroy", G_CALLBACK(gtk_main_quit), NULL);
  gtk_container_add(GTK_CONTAINER(window), GTK_WIDGET(view));
  gtk_widget_show_all(window);
  webkit_web_view_load_uri(view, PAGE);
  g_autoptr(GInputStream) raw = g_unix_input_stream_new(0, FALSE);
  g_autoptr(GDataInputStream) input = g_data_input_stream_new(raw);
  g_data_input_stream_read_line_async(input, G_PRIORITY_DEFAULT, NULL, line_read, NULL);
  gtk_main();
  return 0;
}
