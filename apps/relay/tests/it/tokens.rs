//! Who may ask.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinglet_relay::token::hash;

use super::support::*;

const ANSWER: &str = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;

#[tokio::test]
async fn only_whole_and_fresh_tokens_of_the_secret_are_known() {
    let service = Service::start(|_| answer("200 OK", "", ANSWER)).await;
    let folder = Folder::new();
    let listed = format!(
        "users = [{{ sha256 = \"{}\", user = \"bob\", tier = \"free\" }}]\n",
        hash("listed-token")
    );
    let relay = Running::start(&(listed + &config(&folder, service.address))).await;
    let good = token("ann", "free", 60);
    let parts: Vec<&str> = good.split('.').collect();
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let other_user = encode(&claims.replace("ann", "bob"));
    let none = encode(r#"{"alg":"none"}"#);
    let hs512 = encode(r#"{"alg":"HS512","typ":"JWT"}"#);
    let signed = |header: &str, body: &str| {
        use hmac::{KeyInit, Mac};
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{header}.{body}").as_bytes());
        format!(
            "{header}.{body}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        )
    };
    let ask = |token: String| {
        let relay = &relay;
        async move {
            let header = format!("Bearer {token}");
            relay
                .ask(
                    "/v1/chat/completions",
                    &[("authorization", &header)],
                    &hello().to_string(),
                )
                .await
        }
    };
    assert_eq!(ask(good.clone()).await.status, 200);
    assert_eq!(ask("listed-token".into()).await.status, 200);
    assert_eq!(
        ask(signed(parts[0], parts[1])).await.status,
        200,
        "our own signing is right"
    );
    for (name, token, code) in [
        ("expired", token("ann", "free", -1), "token_expired"),
        ("just expired", token("ann", "free", 0), "token_expired"),
        ("valid for too long", token("ann", "free", 86_400 * 2), "token_invalid"),
        ("of no tier", token("ann", "gold", 60), "token_invalid"),
        ("of nobody", token("", "free", 60), "token_invalid"),
        ("of a control character", token("a\nb", "free", 60), "token_invalid"),
        (
            "changed",
            format!("{}.{other_user}.{}", parts[0], parts[2]),
            "token_invalid",
        ),
        ("cut", good[..good.len() - 1].into(), "token_invalid"),
        ("longer", format!("{good}A"), "token_invalid"),
        (
            "without a signature",
            format!("{}.{}.", parts[0], parts[1]),
            "token_invalid",
        ),
        ("unsigned", format!("{none}.{}.", parts[1]), "token_invalid"),
        ("unsigned, but signed", signed(&none, parts[1]), "token_invalid"),
        ("of another algorithm", signed(&hs512, parts[1]), "token_invalid"),
        ("not claims", signed(parts[0], &encode("[]")), "token_invalid"),
        (
            "without an end",
            signed(parts[0], &encode(r#"{"sub":"ann","tier":"free"}"#)),
            "token_invalid",
        ),
        (
            "not yet valid",
            signed(
                parts[0],
                &encode(&claims.replace("\"exp\"", "\"nbf\":99999999999,\"exp\"")),
            ),
            "token_invalid",
        ),
        ("empty", String::new(), "token_missing"),
        ("dots", "...".into(), "token_invalid"),
        ("huge", "a".repeat(20_000), "token_invalid"),
        ("its digest", hash("listed-token"), "token_invalid"),
        ("almost listed", "listed-toke".into(), "token_invalid"),
    ] {
        let got = ask(token).await;
        assert_eq!((got.status, got.code().as_str()), (401, code), "{name}: {got:?}");
        let error = &got.json()["error"];
        assert_eq!(error["type"], "authentication_error");
        assert!(error["message"].is_string() && error.get("param").is_some());
        assert_eq!(got.headers["www-authenticate"], "Bearer");
    }
    let got = relay.ask("/v1/chat/completions", &[], &hello().to_string()).await;
    assert_eq!((got.status, got.code().as_str()), (401, "token_missing"));
    let got = relay
        .ask("/v1/chat/completions", &[("authorization", "Basic YTpi")], "{}")
        .await;
    assert_eq!(got.status, 401);
    assert_eq!(service.seen().len(), 3, "nothing was sent for anybody else");
}

#[tokio::test]
async fn a_secret_can_be_replaced_and_an_audience_is_kept() {
    let service = Service::start(|_| answer("200 OK", "", ANSWER)).await;
    let folder = Folder::new();
    folder.file("new", "another-secret-of-tests-that-is-long-enough-987");
    let text = config(&folder, service.address);
    let old = format!("secret = {{ file = \"{}\" }}", folder.0.join("secret").display());
    let both = format!(
        "secret = {{ file = \"{}\" }}, previous = {}",
        folder.0.join("new").display(),
        &old["secret = ".len()..]
    );
    let relay = Running::start(&text.replace(&old, &both)).await;
    assert_eq!(relay.chat(&hello()).await.status, 200, "signed by the previous secret");
    drop(relay);
    let folder = Folder::new();
    let text = config(&folder, service.address).replace("tokens = {", "tokens = { audience = \"app\",");
    let relay = Running::start(&text).await;
    assert_eq!(relay.chat(&hello()).await.code(), "token_invalid", "it has no audience");
}

#[test]
fn a_token_is_a_jws_of_hs256_as_others_make_it() {
    // RFC 7515, A.1: its key, its header and claims, its signature.
    use hmac::{KeyInit, Mac};
    let key = URL_SAFE_NO_PAD
        .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
        .unwrap();
    let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
    mac.update(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}
