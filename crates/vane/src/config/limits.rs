//! Limits, time limits and retries, with their defaults.

use std::time::Duration;

use super::read::{count, duration, integer, size};
use super::section::Section;
use super::{Limits, Retries, SharedLimits, Timeouts};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 32 * MIB,
            bodies_bytes_max: 2048 * MIB,
            body_bytes_per_second_min: 4 * KIB,
            header_bytes_max: 64 * KIB,
            frame_bytes_max: 16 * MIB,
            answer_bytes_max: 64 * MIB,
            concurrent_per_key_max: 16_384,
            connections_max: 65_536,
            idempotency_keys_max: 100_000,
            idempotency_bytes_max: 256 * MIB,
        }
    }
}

impl Limits {
    /// What one process holds to, and what all replicas do.
    pub(super) fn read(mut section: Section<'_>) -> (Self, Option<SharedLimits>) {
        let or = Self::default();
        let body = ("1KiB", "1GiB");
        let mut bytes = |key, within, or| section.take(key, size(within)).unwrap_or(or);
        let body_bytes_max = bytes("body_bytes_max", body, or.body_bytes_max);
        let bodies = ("1MiB", "1TiB");
        let bodies_bytes_max = bytes("bodies_bytes_max", bodies, or.bodies_bytes_max);
        let body_bytes_per_second_min = bytes(
            "body_bytes_per_second_min",
            ("1B", "1MiB"),
            or.body_bytes_per_second_min,
        );
        let header_bytes_max = bytes("header_bytes_max", ("16KiB", "1MiB"), or.header_bytes_max);
        let frame_bytes_max = bytes("frame_bytes_max", body, or.frame_bytes_max);
        let answer_bytes_max = bytes("answer_bytes_max", body, or.answer_bytes_max);
        let kept = ("2MiB", "64GiB");
        let idempotency_bytes_max = bytes("idempotency_bytes_max", kept, or.idempotency_bytes_max);
        let mut things = |key, or| section.take(key, count(1_000_000)).unwrap_or(or);
        let limits = Self {
            body_bytes_max,
            bodies_bytes_max,
            body_bytes_per_second_min,
            header_bytes_max,
            frame_bytes_max,
            answer_bytes_max,
            concurrent_per_key_max: things("concurrent_per_key_max", or.concurrent_per_key_max),
            connections_max: things("connections_max", or.connections_max),
            idempotency_keys_max: things("idempotency_keys_max", or.idempotency_keys_max),
            idempotency_bytes_max,
        };
        let shared = SharedLimits::read(&mut section);
        section.finish();
        (limits, shared)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            inbound_head: Duration::from_secs(5),
            inbound_body: Duration::from_secs(10),
            connect: Duration::from_secs(3),
            upstream_head: Duration::from_mins(10),
            idle: Duration::from_mins(5),
            stream: Duration::from_mins(60),
            forced_head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(15),
            drain: Duration::from_secs(30),
        }
    }
}

impl Timeouts {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let or = Self::default();
        let mut time = |key, or| section.take(key, duration).unwrap_or(or);
        let timeouts = Self {
            inbound_head: time("inbound_head", or.inbound_head),
            inbound_body: time("inbound_body", or.inbound_body),
            connect: time("connect", or.connect),
            upstream_head: time("upstream_head", or.upstream_head),
            idle: time("idle", or.idle),
            stream: time("stream", or.stream),
            forced_head: time("forced_head", or.forced_head),
            keep_alive: time("keep_alive", or.keep_alive),
            drain: time("drain", or.drain),
        };
        section.finish();
        timeouts
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts_max: 4,
            per_offer_max: 2,
            budget_percent: 20,
        }
    }
}

impl Retries {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let or = Self::default();
        let percent = section.take("budget_percent", integer(0..=100));
        let retries = Self {
            attempts_max: section
                .take("attempts_max", count(32))
                .unwrap_or(or.attempts_max),
            per_offer_max: section
                .take("per_offer_max", count(32))
                .unwrap_or(or.per_offer_max),
            budget_percent: percent
                .and_then(|percent| u32::try_from(percent).ok())
                .unwrap_or(or.budget_percent),
        };
        section.finish();
        retries
    }
}
