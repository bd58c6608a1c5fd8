//! The workloads: what is asked, how it is offered, and what it may cost.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::load::{self, Shape};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    OpenAi,
    Anthropic,
}

/// The most that a workload may cost, as a ratio of CPU time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    /// To the proxy's, in the same workload.
    Proxy(f64),
    /// To the gateway's own, in another workload.
    Own(&'static str, f64),
}

#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) door: Door,
    /// The gateway's model, which decides the upstream's dialect.
    pub(crate) model: &'static str,
    pub(crate) prompt_bytes: usize,
    pub(crate) streamed: bool,
    pub(crate) shape: Shape,
    pub(crate) connections: usize,
    pub(crate) must: Bar,
}

pub(crate) const OPENAI_MODEL: &str = "bench-openai";
pub(crate) const ANTHROPIC_MODEL: &str = "bench-anthropic";

/// Requests a second where a workload follows a schedule.
const RATE: u32 = 100;

const UNARY: Workload = Workload {
    name: "A",
    what: "unary, 1 KB, 64 connections",
    door: Door::OpenAi,
    model: OPENAI_MODEL,
    prompt_bytes: 1024,
    streamed: false,
    shape: Shape::Saturate,
    connections: 64,
    must: Bar::Proxy(2.8),
};
const STREAM: Workload = Workload {
    name: "C",
    what: "stream of 200 chunks",
    streamed: true,
    must: Bar::Proxy(1.8),
    ..UNARY
};
const AS_UNARY: Bar = Bar::Own("A", 1.4);
const AS_STREAM: Bar = Bar::Own("C", 1.5);

pub(crate) const WORKLOADS: &[Workload] = &[
    UNARY,
    Workload {
        name: "A100",
        what: "A at 100 a second",
        shape: Shape::Rate,
        must: Bar::Proxy(4.0),
        ..UNARY
    },
    Workload {
        name: "B",
        what: "unary, 100 KB",
        prompt_bytes: 100 * 1024,
        must: Bar::Proxy(1.8),
        ..UNARY
    },
    STREAM,
    Workload {
        name: "D",
        what: "OpenAI door, Anthropic upstream",
        model: ANTHROPIC_MODEL,
        must: AS_UNARY,
        ..UNARY
    },
    Workload {
        name: "D_s",
        what: "D, streamed",
        model: ANTHROPIC_MODEL,
        must: AS_STREAM,
        ..STREAM
    },
    Workload {
        name: "E",
        what: "Anthropic door, OpenAI upstream",
        door: Door::Anthropic,
        must: AS_UNARY,
        ..UNARY
    },
    Workload {
        name: "E_s",
        what: "E, streamed",
        door: Door::Anthropic,
        must: AS_STREAM,
        ..STREAM
    },
    Workload {
        name: "F",
        what: "1,000 streams at once, a chunk every 100 ms; per chunk",
        shape: Shape::Once,
        connections: 1000,
        must: Bar::Proxy(1.4),
        ..STREAM
    },
];

/// How long everything takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) warm_up: Duration,
    pub(crate) saturated: Duration,
    pub(crate) scheduled: Duration,
    /// Chunks of a stream that is paced.
    pub(crate) paced_chunks: u32,
}

impl Pace {
    pub(crate) const FULL: Self = Self {
        warm_up: Duration::from_millis(1000),
        saturated: Duration::from_secs(4),
        scheduled: Duration::from_secs(10),
        paced_chunks: 200,
    };
    pub(crate) const QUICK: Self = Self {
        warm_up: Duration::from_millis(300),
        saturated: Duration::from_millis(1500),
        scheduled: Duration::from_secs(3),
        paced_chunks: 50,
    };
}

impl Workload {
    /// Whether the upstream sends its chunks at a pace instead of at once.
    pub(crate) fn paced(&self) -> bool {
        self.shape == Shape::Once
    }

    /// The request that a program just started must answer: small, unary, through the same door.
    pub(crate) fn first_request(&self, key: &str) -> Vec<u8> {
        Self {
            prompt_bytes: 16,
            streamed: false,
            ..*self
        }
        .request(key)
    }

    /// How this workload is offered at one address.
    pub(crate) fn load(
        &self,
        address: SocketAddr,
        request: &Path,
        time: Duration,
    ) -> Result<load::Options> {
        Ok(load::Options {
            address,
            request: request.into(),
            requests: 1,
            shape: self.shape,
            connections: self.connections,
            rate: RATE,
            milliseconds: u64::try_from(time.as_millis())?,
        })
    }

    /// One whole request, head and body.
    pub(crate) fn request(&self, key: &str) -> Vec<u8> {
        let (path, credential) = match self.door {
            Door::OpenAi => (
                "/v1/chat/completions",
                format!("authorization: Bearer {key}"),
            ),
            Door::Anthropic => (
                "/v1/messages",
                format!("x-api-key: {key}\r\nanthropic-version: 2023-06-01"),
            ),
        };
        let prompt = "Say what a weather vane is for. ".repeat(self.prompt_bytes / 32 + 1);
        let prompt = &prompt[..self.prompt_bytes];
        let stream = if self.streamed {
            "\"stream\":true,"
        } else {
            ""
        };
        let body = format!(
            "{{\"model\":\"{}\",{stream}\"max_tokens\":1024,\
             \"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}",
            self.model
        );
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{credential}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        [head, body].concat().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_whole_and_names_are_unique() {
        for workload in WORKLOADS {
            let request = String::from_utf8(workload.request("sk-vane-x")).unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            assert!(
                head.ends_with(&format!("content-length: {}", body.len())),
                "{head}"
            );
            assert!(head.contains("sk-vane-x"));
            let json: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(json["stream"] == true, workload.streamed);
            assert_eq!(
                json["messages"][0]["content"].as_str().unwrap().len(),
                workload.prompt_bytes
            );
            let same = WORKLOADS
                .iter()
                .filter(|other| other.name == workload.name)
                .count();
            assert_eq!(same, 1, "{}", workload.name);
        }
    }
}
