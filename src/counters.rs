//! Counters that begin at nought. Prometheus sees a counter rise, not appear: what has never failed before would be drawn and
//! alerted about only from its second failure on, and a burst between two scrapes never.

use bridge_core::bot::Pace;
use metrics::counter;

use crate::app::App;

/// Those without labels.
const PLAIN: [&str; 8] = [
    "kefu_cache_errors_total",
    "kefu_chain_errors_total",
    "kefu_dify_tokens_total",
    "kefu_holds_lost_total",
    "kefu_notices_heard_total",
    "kefu_notices_refused_total",
    "kefu_notices_told_total",
    "kefu_turn_errors_total",
];

/// Those of each inbox.
const OF_INBOX: [&str; 6] = [
    "kefu_accepted_total",
    "kefu_confirmed_total",
    "kefu_pull_errors_total",
    "kefu_repeated_total",
    "kefu_sent_total",
    "kefu_turns_total",
];

/// With what a callback can be refused.
const STATUS: [&str; 6] = ["400", "401", "404", "413", "500", "503"];

/// Why a visitor's chat is closed, where it is the operator's business.
const CLOSED: [&str; 3] = ["full", "slow", "too_large"];

/// Shows all whose labels are known beforehand. Codes of platforms are not.
pub(crate) fn begin(app: &App) {
    for name in PLAIN {
        counter!(name).increment(0);
    }
    for inbox in app.settings.inboxes.keys() {
        for name in OF_INBOX {
            counter!(name, "inbox" => inbox.to_string()).increment(0);
        }
    }
    for known in app.engine.parts().catalogue.iter() {
        if matches!(known.spec.pace, Pace::Background { .. }) {
            counter!("kefu_errand_errors_total", "bot" => known.spec.name).increment(0);
        }
    }
    for status in STATUS {
        counter!("kefu_callbacks_refused_total", "status" => status).increment(0);
    }
    for why in CLOSED {
        counter!("kefu_live_closed_total", "why" => why).increment(0);
    }
}
