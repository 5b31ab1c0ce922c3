// Not compiled here: there is no Swift toolchain on the machine that tests this repository.
import UIKit

/// The quick start of docs/webview.md.
final class Sample: UIViewController, KingletApp {
    private var host: KingletHost!

    override func viewDidLoad() {
        super.viewDidLoad()
        let models = FileManager.default.urls(for: .documentDirectory, in: .userDomainMask)[0]
        host = KingletHost(page: Bundle.main.url(forResource: "kinglet", withExtension: nil)!, models: models, app: self)
        view.addSubview(host.view)
        host.ask("load", ["model": ["url": "kinglet://app/models/model.gguf"], "memory": 1_000_000_000])
        host.ask("chat", ["params": ["messages": [["role": "user", "content": "Where is my parcel?"]], "stream": true]])
    }

    func heard(_ message: [String: Any]) { print(message) }
    func consent(_ request: [String: Any], answer: @escaping (String) -> Void) { answer("no") }
    func token(remote: String, answer: @escaping (String?) -> Void) { answer(nil) }
}
