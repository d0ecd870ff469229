use super::*;

fn hours(spans: &[&str]) -> WorkingHours {
    let spans: Vec<String> = spans.iter().map(|span| (*span).to_owned()).collect();
    WorkingHours::parse(&spans, TimeZone::get("Asia/Shanghai").unwrap()).unwrap()
}

/// A moment by Shanghai's clocks: UTC+8, no summer time.
fn at(local: &str) -> Timestamp {
    let moment: jiff::Timestamp = format!("{local}+08:00").parse().unwrap();
    Timestamp(moment.as_millisecond())
}

#[test]
fn weekdays_by_shanghais_clocks() {
    let hours = hours(&["Mon-Fri 09:00-18:00"]);
    for (moment, open) in [
        ("2026-01-01T08:59:59", false),
        ("2026-01-01T09:00:00", true),
        ("2026-01-01T17:59:59", true),
        ("2026-01-01T18:00:00", false),
        ("2026-01-02T12:00:00", true),
        ("2026-01-03T12:00:00", false),
        ("2026-01-04T12:00:00", false),
        ("2026-01-05T12:00:00", true),
    ] {
        assert_eq!(hours.open_at(at(moment)), open, "{moment}");
    }
}

#[test]
fn past_midnight_belongs_to_the_evening_it_began() {
    let hours = hours(&["Fri 20:00-02:00"]);
    for (moment, open) in [
        ("2026-01-02T01:00:00", false),
        ("2026-01-02T19:59:00", false),
        ("2026-01-02T20:00:00", true),
        ("2026-01-03T01:59:59", true),
        ("2026-01-03T02:00:00", false),
        ("2026-01-03T20:00:00", false),
    ] {
        assert_eq!(hours.open_at(at(moment)), open, "{moment}");
    }
}

#[test]
fn over_the_weeks_end_and_several_spans() {
    let hours = hours(&[
        "Sat-Mon 10:00-12:00",
        "周三 14:00-24:00",
        "Sunday 22:00-01:00",
    ]);
    for (moment, open) in [
        ("2026-01-03T11:00:00", true),
        ("2026-01-04T11:00:00", true),
        ("2026-01-05T11:00:00", true),
        ("2026-01-06T11:00:00", false),
        ("2026-01-07T13:59:00", false),
        ("2026-01-07T23:59:00", true),
        ("2026-01-08T00:00:00", false),
        ("2026-01-05T00:30:00", true),
    ] {
        assert_eq!(hours.open_at(at(moment)), open, "{moment}");
    }
}

#[test]
fn without_a_span_it_is_always_open_and_daily_is_every_day() {
    assert!(WorkingHours::default().open_at(at("2026-01-03T03:00:00")));
    assert!(hours(&["Daily 00:00-24:00"]).open_at(at("2026-01-03T03:00:00")));
    assert!(!hours(&["daily 09:00-18:00"]).open_at(at("2026-01-03T03:00:00")));
}

#[test]
fn summer_time_moves_the_hours_with_the_clocks() {
    let new_york = TimeZone::get("America/New_York").unwrap();
    let hours = WorkingHours::parse(&["Mon-Fri 09:00-18:00".to_owned()], new_york).unwrap();
    let utc = |time: &str| Timestamp(time.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    assert!(!hours.open_at(utc("2026-01-07T13:30:00Z")));
    assert!(hours.open_at(utc("2026-07-08T13:30:00Z")));
}

#[test]
fn what_cannot_be_read_is_named_with_an_example() {
    for (span, what) in [
        ("Mon-Fri", "parted by a space"),
        ("Mon-Fri 9", "HH:MM-HH:MM"),
        ("Mon-Fri 09:00-25:00", "00:00 to 24:00"),
        ("Mon-Fri 09:00-18:60", "00:00 to 24:00"),
        ("Someday 09:00-18:00", "days are"),
        ("", "parted by a space"),
    ] {
        let error = WorkingHours::parse(&[span.to_owned()], TimeZone::UTC).unwrap_err();
        let shown = error.to_string();
        assert!(shown.contains(what), "{span}: {shown}");
        assert!(shown.contains("e.g. \"Mon-Fri 09:00-18:00\""), "{shown}");
    }
}
