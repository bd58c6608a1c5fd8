//! What happens often in bad times: it is told at once, and then once a minute with how often it did.

use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

const PAUSE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Often {
    /// How often it happened and was not told.
    untold: u64,
    told: Option<Instant>,
}

impl Often {
    pub(super) const fn happened(&mut self) {
        self.untold += 1;
    }

    /// Waits until it is to be told; says how often it happened since it was told last.
    pub(super) async fn due(&mut self) -> u64 {
        if self.untold == 0 {
            return pending().await;
        }
        if let Some(told) = self.told {
            sleep_until(told + PAUSE).await;
        }
        self.told = Some(Instant::now());
        std::mem::take(&mut self.untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{sleep, timeout};

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_told_at_once_and_then_once_a_minute() {
        let began = Instant::now();
        let mut often = Often::default();
        let mut told = Vec::new();
        // Ten a second for a minute and a half; then none.
        for nth in 0..1_800 {
            if nth < 900 {
                often.happened();
            }
            if let Ok(times) = timeout(Duration::ZERO, often.due()).await {
                told.push((began.elapsed().as_secs(), times));
            }
            sleep(Duration::from_millis(100)).await;
        }
        let times: Vec<u64> = told.iter().map(|(_, times)| *times).collect();
        assert_eq!(times, [1, 600, 299], "{told:?}");
        let at: Vec<u64> = told.iter().map(|(at, _)| *at).collect();
        assert_eq!(at, [0, 60, 120], "{told:?}");
    }
}
