//! The `/__` paths, by which a test in another language drives the binary.
//!
//! `POST /__script` (JSON, replaces the script), `POST /__reset`, `GET /__calls`,
//! `GET /__closed?call=0` (answers when that call has ended), `POST /__gate?name=g&open=2`
//! (`open=all` for good).

use anyhow::Result;
use tokio::io::AsyncWriteExt;

use crate::http::Request;
use crate::play::Connection;
use crate::script::Script;
use crate::server::State;

/// Answers; the connection stays open.
pub(crate) async fn serve(
    connection: &mut Connection,
    state: &State,
    request: &Request,
) -> Result<bool> {
    let (status, body) = match answer(state, request).await {
        Ok(body) => ("200 OK", body),
        Err(fault) => (
            "400 Bad Request",
            serde_json::json!({"error": format!("{fault:#}")}).to_string(),
        ),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    connection.socket.write_all(answer.as_bytes()).await?;
    Ok(true)
}

async fn answer(state: &State, request: &Request) -> Result<String> {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/__script") => {
            let script: Script = serde_json::from_slice(&request.body)?;
            *state.script() = script;
        }
        ("POST", "/__reset") => state.reset(),
        ("GET", "/__calls") => return Ok(state.record.to_json()),
        ("GET", "/__closed") => {
            let index = request.query_value("call").unwrap_or("0").parse()?;
            state.record.wait(index, |call| call.ended.is_some()).await;
        }
        ("POST", "/__gate") => {
            let gate = state
                .gates
                .named(request.query_value("name").unwrap_or_default());
            match request.query_value("open").unwrap_or("1") {
                "all" => gate.open_for_good(),
                steps => gate.open(steps.parse()?),
            }
        }
        (method, path) => anyhow::bail!("no control {method} {path}"),
    }
    Ok("{}".into())
}
