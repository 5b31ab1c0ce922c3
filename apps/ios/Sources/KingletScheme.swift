// Not compiled here: there is no Swift toolchain on the machine that tests this repository.
import Foundation
import WebKit

/// kinglet://app/… : the page (folder `kinglet` of the app's bundle: www/, and the package in pkg/), and below /models/ files of a folder.
final class KingletScheme: NSObject, WKURLSchemeHandler {
    static let name = "kinglet"
    private static let types = [
        "html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml", "wasm": "application/wasm", "json": "application/json",
    ]
    private static let step = 1 << 20
    private let page: URL
    private let models: URL
    private var stopped = Set<ObjectIdentifier>()

    init(page: URL, models: URL) {
        self.page = page.resolvingSymlinksInPath()
        self.models = models.resolvingSymlinksInPath()
    }

    /// The file of a path below one of the folders; nil for what is elsewhere, also by way of a link.
    private func file(_ path: String) -> URL? {
        let (folder, rest) = path.hasPrefix("/models/") ? (models, String(path.dropFirst(8))) : (page, String(path.dropFirst()))
        let file = folder.appendingPathComponent(rest).resolvingSymlinksInPath()
        return file.path.hasPrefix(folder.path + "/") ? file : nil
    }

    func webView(_ webView: WKWebView, start task: WKURLSchemeTask) {
        guard let url = task.request.url, url.host == "app", let file = file(url.path), let handle = try? FileHandle(forReadingFrom: file),
            let attributes = try? FileManager.default.attributesOfItem(atPath: file.path), let size = attributes[.size] as? UInt64
        else { return task.didFailWithError(URLError(.fileDoesNotExist)) }
        var headers = ["Content-Type": Self.types[file.pathExtension] ?? "application/octet-stream", "Accept-Ranges": "bytes"]
        let changed = (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        headers["ETag"] = "\"\(Int(changed))-\(size)\""
        var (start, end, status) = (UInt64(0), size, 200)
        if let range = task.request.value(forHTTPHeaderField: "Range"), range.hasPrefix("bytes=") {
            let ends = range.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
            if let first = ends.first.flatMap({ UInt64($0) }) {
                start = first
                if ends.count == 2, let last = UInt64(ends[1]) { end = min(last + 1, size) }
                status = start < end ? 206 : 416
                headers["Content-Range"] = status == 206 ? "bytes \(start)-\(end - 1)/\(size)" : "bytes */\(size)"
                if status == 416 { end = start }
            }
        }
        headers["Content-Length"] = "\(end - start)"
        task.didReceive(HTTPURLResponse(url: url, statusCode: status, httpVersion: "HTTP/1.1", headerFields: headers)!)
        try? handle.seek(toOffset: start)
        send(task, handle, left: end - start)
    }

    /// A part of it, and the next one in a later turn: the main thread stays free, and what is stopped ends.
    private func send(_ task: WKURLSchemeTask, _ handle: FileHandle, left: UInt64) {
        if stopped.remove(ObjectIdentifier(task)) != nil { return }
        if left == 0 { return task.didFinish() }
        let data = handle.readData(ofLength: Int(min(left, UInt64(Self.step))))
        if data.isEmpty { return task.didFailWithError(URLError(.cannotDecodeRawData)) }
        task.didReceive(data)
        DispatchQueue.main.async { self.send(task, handle, left: left - UInt64(data.count)) }
    }

    func webView(_ webView: WKWebView, stop task: WKURLSchemeTask) {
        stopped.insert(ObjectIdentifier(task))
    }
}
