//! How much thinking a request asks for, in each of the ways that callers write it.

use serde_json::Value as Json;
use vane_engine::Effort;

use super::ask::Unread;

/// Of `reasoning_effort`, `reasoning` and `thinking`. `None` is what the model does by itself.
pub(super) fn read(
    effort: Option<&str>,
    reasoning: Option<&Json>,
    thinking: Option<&Json>,
) -> Result<Option<Effort>, Unread> {
    let within = |json: Option<&Json>, key: &str| json.and_then(|json| json.get(key)).cloned();
    let named = within(reasoning, "effort");
    if let Some(name) = effort.or(named.as_ref().and_then(Json::as_str)) {
        let effort = Effort::named(name).ok_or_else(|| {
            let names = Effort::ALL.map(Effort::name).join(", ");
            Unread::new("reasoning_effort", format!("an effort is one of {names}"))
        })?;
        return Ok(Some(effort));
    }
    let is_off = within(thinking, "type") == Some("disabled".into())
        || within(reasoning, "enabled") == Some(false.into());
    Ok(is_off.then_some(Effort::None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_effort_is_read_however_it_is_written() {
        for (effort, reasoning, thinking, expected) in [
            (None, Json::Null, Json::Null, None),
            (Some("low"), Json::Null, Json::Null, Some(Effort::Low)),
            (
                None,
                json!({"effort": "high"}),
                Json::Null,
                Some(Effort::High),
            ),
            (
                None,
                json!({"enabled": false}),
                Json::Null,
                Some(Effort::None),
            ),
            (None, json!({"enabled": true}), json!(true), None),
            (
                None,
                Json::Null,
                json!({"type": "disabled"}),
                Some(Effort::None),
            ),
            (None, Json::Null, json!({"type": "enabled"}), None),
        ] {
            let told = read(effort, Some(&reasoning), Some(&thinking));
            let told = told.map_err(|unread| unread.param);
            assert_eq!(told, Ok(expected), "{effort:?} {reasoning} {thinking}");
        }
        let unknown = read(Some("much"), None, None).map_err(|unread| unread.param);
        assert_eq!(unknown, Err(Some("reasoning_effort")));
    }
}
