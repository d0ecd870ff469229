//! Working hours: `Mon-Fri 09:00-18:00` in the desk's time zone.

use jiff::{civil::Weekday, tz::TimeZone};

use crate::clock::Timestamp;

/// When the desk works. Without any span: always.
#[derive(Debug, Clone, Default)]
pub struct WorkingHours {
    spans: Vec<Span>,
    zone: Option<TimeZone>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from_day: Weekday,
    to_day: Weekday,
    /// Minutes of the day; `to` may be 24:00, and before `from` where it goes past midnight.
    from: u16,
    to: u16,
}

/// A span that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a span of working hours: {what}; e.g. \"Mon-Fri 09:00-18:00\"")]
pub struct HoursError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl WorkingHours {
    /// Reads spans such as `Mon-Fri 09:00-18:00`, `Sat 10:00-14:00`, `Daily 20:00-02:00`.
    pub fn parse(spans: &[String], zone: TimeZone) -> Result<Self, HoursError> {
        let spans = spans
            .iter()
            .map(|text| {
                span(text).map_err(|what| HoursError {
                    text: text.clone(),
                    what,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            spans,
            zone: Some(zone),
        })
    }

    /// Whether the desk works at this moment.
    pub fn open_at(&self, now: Timestamp) -> bool {
        if self.spans.is_empty() {
            return true;
        }
        let Some(now) = now.to_jiff() else {
            return false;
        };
        let local = now.to_zoned(self.zone.clone().unwrap_or(TimeZone::UTC));
        let day = local.weekday();
        let minute =
            u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        self.spans.iter().any(|span| span.contains(day, minute))
    }
}

impl Span {
    fn contains(self, day: Weekday, minute: u16) -> bool {
        if self.from < self.to {
            return self.on(day) && (self.from..self.to).contains(&minute);
        }
        // Past midnight: the evening of its own day, and the morning after.
        (self.on(day) && minute >= self.from) || (self.on(day.previous()) && minute < self.to)
    }

    fn on(self, day: Weekday) -> bool {
        let offset = |day: Weekday| {
            (day.to_monday_zero_offset() - self.from_day.to_monday_zero_offset()).rem_euclid(7)
        };
        offset(day) <= offset(self.to_day)
    }
}

fn span(text: &str) -> Result<Span, &'static str> {
    let (days, times) = text
        .trim()
        .split_once(char::is_whitespace)
        .ok_or("days and times are parted by a space")?;
    let (from_day, to_day) = match days.split_once('-') {
        Some((from, to)) => (weekday(from)?, weekday(to)?),
        None if days.eq_ignore_ascii_case("daily") => (Weekday::Monday, Weekday::Sunday),
        None => (weekday(days)?, weekday(days)?),
    };
    let (from, to) = times
        .trim()
        .split_once('-')
        .ok_or("times are HH:MM-HH:MM")?;
    Ok(Span {
        from_day,
        to_day,
        from: minutes(from)?,
        to: minutes(to)?,
    })
}

fn weekday(text: &str) -> Result<Weekday, &'static str> {
    let days = [
        ("mon", "周一", Weekday::Monday),
        ("tue", "周二", Weekday::Tuesday),
        ("wed", "周三", Weekday::Wednesday),
        ("thu", "周四", Weekday::Thursday),
        ("fri", "周五", Weekday::Friday),
        ("sat", "周六", Weekday::Saturday),
        ("sun", "周日", Weekday::Sunday),
    ];
    let text = text.trim().to_lowercase();
    days.iter()
        .find(|(short, chinese, _)| text.starts_with(short) || text == *chinese)
        .map(|(_, _, day)| *day)
        .ok_or("days are Mon, Tue, Wed, Thu, Fri, Sat, Sun or Daily")
}

fn minutes(text: &str) -> Result<u16, &'static str> {
    let wrong = "times are HH:MM, 00:00 to 24:00";
    let (hour, minute) = text.trim().split_once(':').ok_or(wrong)?;
    let (hour, minute): (u16, u16) = (
        hour.parse().map_err(|_| wrong)?,
        minute.parse().map_err(|_| wrong)?,
    );
    if minute >= 60 || hour > 24 || (hour == 24 && minute > 0) {
        return Err(wrong);
    }
    Ok(hour * 60 + minute)
}

#[cfg(test)]
mod tests;
