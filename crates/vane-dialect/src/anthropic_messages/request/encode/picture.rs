//! The type of a picture: Anthropic takes four, and refuses a call whose picture is none of them or
//! is not what it is said to be.

const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";
const GIF: &str = "image/gif";
const WEBP: &str = "image/webp";

/// The type of a picture in base64: the one that its first bytes tell, else the one that is said.
pub(super) fn kind(said: &str, base64: &str) -> Option<&'static str> {
    told(base64).or_else(|| {
        let essence = said.split(';').next().unwrap_or_default();
        match essence.trim().to_ascii_lowercase().as_str() {
            "image/jpeg" | "image/jpg" => Some(JPEG),
            "image/png" => Some(PNG),
            "image/gif" => Some(GIF),
            "image/webp" => Some(WEBP),
            _ => None,
        }
    })
}

fn told(base64: &str) -> Option<&'static str> {
    // A file of RIFF says after its length what it is.
    if base64.starts_with("UklGR") {
        return (base64.get(12..16) == Some("RUJQ")).then_some(WEBP);
    }
    let begins = [("/9j/", JPEG), ("iVBORw0KGgo", PNG), ("R0lGOD", GIF)];
    let mut begins = begins.into_iter();
    let (_, kind) = begins.find(|(magic, _)| base64.starts_with(magic))?;
    Some(kind)
}
