//! JSON web tokens, signed with HS256.

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value as Json, json};
use sha2::Sha256;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A token for the user, valid up to a second (since 1970).
pub(super) fn issue(secret: &[u8], user: &str, now: i64, until: i64) -> String {
    let header = BASE64.encode(json!({ "alg": "HS256", "typ": "JWT" }).to_string());
    let claims = json!({ "exp": until, "iat": now, "iss": "arangodb", "preferred_username": user });
    let signed = format!("{header}.{}", BASE64.encode(claims.to_string()));
    let signature = BASE64.encode(signature(secret, &signed).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// The user, if the token is ours and still valid.
pub(super) fn user(secret: &[u8], token: &str, now: i64) -> Option<String> {
    let (signed, sent) = token.rsplit_once('.')?;
    let sent = BASE64.decode(sent).ok()?;
    signature(secret, signed).verify_slice(&sent).ok()?;
    let (_, claims) = signed.split_once('.')?;
    let claims: Json = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
    if claims.get("exp")?.as_i64()? <= now {
        return None;
    }
    claims.get("preferred_username")?.as_str().map(str::to_owned)
}

fn signature(secret: &[u8], signed: &str) -> Hmac<Sha256> {
    let mut signature = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    signature.update(signed.as_bytes());
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_until_its_end_and_under_its_secret() {
        let token = issue(b"secret", "root", 100, 110);
        assert_eq!(user(b"secret", &token, 109), Some("root".to_owned()));
        assert_eq!(user(b"secret", &token, 110), None);
        assert_eq!(user(b"other", &token, 105), None);
        assert_eq!(user(b"secret", &token.replace('.', "x"), 105), None);
    }
}
