//! Who asks: a signed token of the app's backend (JWS compact, HS256 and nothing else), or a listed one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::{Config, Wrong};
use crate::secret::Secret;

/// Bytes of a token at most.
const LONGEST: usize = 4_096;
/// Bytes of a signing secret at least: as many as the digest has.
pub const SECRET: usize = 32;

/// The user that a request is counted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: String,
    pub tier: String,
}

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The user.
    pub sub: String,
    pub tier: String,
    /// Seconds since 1970 from which it is not valid any more.
    pub exp: u64,
    /// Seconds since 1970 before which it is not valid yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// Why a token is refused. What is said to the client does not tell a wrong signature from a wrong format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    Missing,
    Wrong,
    Expired,
}

/// Who is known.
pub struct Door {
    secrets: Vec<Secret>,
    audience: Option<String>,
    longest_seconds: u64,
    listed: Vec<([u8; 32], User)>,
}

/// What is expected of the name of a user, if `id` is none.
pub fn check_user(id: &str) -> Result<(), &'static str> {
    let fine = (1..=128).contains(&id.len()) && !id.chars().any(char::is_control);
    if fine {
        Ok(())
    } else {
        Err("1 to 128 bytes without control characters")
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Two digests, compared in a time that does not depend on where they differ.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(0, |diff, (x, y)| diff | (x ^ y))) == 0
}

/// SHA-256 of a token, as the configuration lists it.
pub fn hash(token: &str) -> String {
    digest(token).iter().map(|b| format!("{b:02x}")).collect()
}

fn mac(secret: &Secret, signed: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    Some(mac)
}

/// A signed token: `base64url(header) . base64url(claims) . base64url(HMAC-SHA-256 of both)`.
pub fn sign(claims: &Claims, secret: &Secret) -> Option<String> {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).ok()?);
    let signed = format!("{header}.{body}");
    let signature = mac(secret, &signed)?.finalize().into_bytes();
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

impl Door {
    /// Reads the secrets that the configuration names.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn new(config: &Config) -> Result<Door, Wrong> {
        let mut secrets = Vec::new();
        if let Some(tokens) = &config.tokens {
            secrets.push(tokens.secret.read("tokens.secret", SECRET)?);
            if let Some(previous) = &tokens.previous {
                secrets.push(previous.read("tokens.previous", SECRET)?);
            }
        }
        let mut listed = Vec::new();
        for (i, user) in config.users.iter().enumerate() {
            let wrong = || Wrong::at(format!("users[{i}].sha256"), "64 hexadecimal digits", "something else");
            let bytes: Option<Vec<u8>> = (0..32)
                .map(|at| {
                    user.sha256
                        .get(2 * at..2 * at + 2)
                        .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                })
                .collect();
            let bytes: [u8; 32] = bytes.and_then(|b| b.try_into().ok()).ok_or_else(wrong)?;
            let (id, tier) = (user.user.clone(), user.tier.clone());
            listed.push((bytes, User { id, tier }));
        }
        Ok(Door {
            secrets,
            audience: config.tokens.as_ref().and_then(|t| t.audience.clone()),
            longest_seconds: config.tokens.as_ref().map_or(0, |t| t.longest_seconds),
            listed,
        })
    }

    /// Who has this token. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Why nobody has.
    pub fn user(&self, token: &str, now: u64) -> Result<User, Denied> {
        if token.is_empty() {
            return Err(Denied::Missing);
        }
        if token.len() > LONGEST {
            return Err(Denied::Wrong);
        }
        let hashed = digest(token);
        // All of them are compared, whichever fits.
        let mut found = None;
        for (known, user) in &self.listed {
            if same(known, &hashed) {
                found = Some(user);
            }
        }
        match found {
            Some(user) => Ok(user.clone()),
            None => self.signed(token, now),
        }
    }

    fn signed(&self, token: &str, now: u64) -> Result<User, Denied> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Denied::Wrong)?;
        let (header, body) = signed.split_once('.').ok_or(Denied::Wrong)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Denied::Wrong)?;
        let genuine = |secret| mac(secret, signed).is_some_and(|mac| mac.verify_slice(&signature).is_ok());
        if !self.secrets.iter().any(genuine) {
            return Err(Denied::Wrong);
        }
        // Signed: now it is worth reading. The algorithm is not chosen by the token.
        let header: Header = read(header)?;
        let claims: Claims = read(body)?;
        if header.alg != "HS256" || check_user(&claims.sub).is_err() {
            return Err(Denied::Wrong);
        }
        if self.audience.is_some() && claims.aud != self.audience {
            return Err(Denied::Wrong);
        }
        if claims.nbf.is_some_and(|nbf| nbf > now) || claims.exp > now.saturating_add(self.longest_seconds) {
            return Err(Denied::Wrong);
        }
        if claims.exp <= now {
            return Err(Denied::Expired);
        }
        let (id, tier) = (claims.sub, claims.tier);
        Ok(User { id, tier })
    }
}

fn read<T: for<'a> Deserialize<'a>>(part: &str) -> Result<T, Denied> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Denied::Wrong)?;
    serde_json::from_slice(&bytes).map_err(|_| Denied::Wrong)
}
