//! The model's way to the devices: gigabytes cost money, too.

use serde::{Deserialize, Serialize};

use super::money;
use crate::Result;
use crate::document::{between, integer};

/// Bytes of a gigabyte, as those who sell traffic count.
const GIGABYTE: u128 = 1_000_000_000;
/// The most downloads of one device that are believed.
const MAX_DOWNLOADS: f64 = 1e4;
/// A century of months.
const MAX_MONTHS: f64 = 1200.0;

/// Delivering the model, over the months that are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Delivery {
    /// Of the model's files, and of the engine's.
    pub bytes: u64,
    /// Micro-units for 10^9 bytes.
    pub price_per_gigabyte: u64,
    /// Devices that fetch the model.
    pub devices: u64,
    /// Downloads of each: the first, and those after eviction or a new version.
    #[serde(default = "once")]
    pub downloads_per_device: f64,
    /// Months over which this is spread, and over which a device's requests are counted.
    pub months: u32,
}

fn once() -> f64 {
    1.0
}

impl Delivery {
    pub(super) fn check(&self) -> Result<()> {
        integer("scenario.delivery.bytes", Some(self.bytes))?;
        integer("scenario.delivery.pricePerGigabyte", Some(self.price_per_gigabyte))?;
        integer("scenario.delivery.devices", Some(self.devices))?;
        between("scenario.delivery.devices", Some(self.devices as f64), 1.0, f64::MAX)?;
        between(
            "scenario.delivery.downloadsPerDevice",
            Some(self.downloads_per_device),
            1.0,
            MAX_DOWNLOADS,
        )?;
        between(
            "scenario.delivery.months",
            Some(f64::from(self.months)),
            1.0,
            MAX_MONTHS,
        )
    }

    /// Downloads of all devices, rounded up.
    fn downloads(&self) -> u128 {
        (self.devices as f64 * self.downloads_per_device).ceil() as u128
    }

    /// All of it: bytes × price × devices × downloads of each.
    fn total(&self) -> u128 {
        let bytes = u128::from(self.bytes) * u128::from(self.price_per_gigabyte);
        bytes.saturating_mul(self.downloads()).div_ceil(GIGABYTE)
    }

    pub(super) fn per_month(&self) -> Result<u64> {
        money(self.total().div_ceil(u128::from(self.months)))
    }

    /// Requests of one device over all months, rounded down.
    pub(super) fn requests_per_device(&self, per_month: u64) -> u64 {
        let all = u128::from(per_month) * u128::from(self.months);
        u64::try_from(all / u128::from(self.devices)).unwrap_or(u64::MAX)
    }

    /// Requests of one device from which on its downloads are saved, where a month's requests cost `running` with the
    /// model and `other` without; `None` if they never are.
    pub(super) fn break_even(&self, other: u64, running: u64, requests: u64) -> Result<Option<u64>> {
        let Some(saved) = other.checked_sub(running).filter(|saved| *saved > 0) else {
            return Ok(None);
        };
        // total / devices ÷ (saved / requests), in one division.
        let needed = self.total().saturating_mul(u128::from(requests));
        let needed = needed.div_ceil(u128::from(saved) * u128::from(self.devices));
        money(needed).map(Some)
    }
}
