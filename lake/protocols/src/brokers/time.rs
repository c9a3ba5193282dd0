//! Times as brokers write them, and the zone that they are in.

use cauce_model::Rule;
use chrono::{DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// A moment of a fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// In UTC.
    pub(super) at: DateTime<Utc>,
    /// The source says the day only.
    pub(super) is_date_only: bool,
    /// The zone that it was written in.
    pub(super) zone: String,
}

/// The zone that times of a layout are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// UTC, as the broker's documentation or the file says.
    Utc,
    /// It stands in every time.
    Written,
    /// That of the account's terms.
    Account,
}

/// Reads `text` by the first of `formats` that fits. A format without hours says the day only. Formats are chrono's;
/// `%s` and `%Q` stand for seconds and milliseconds since 1970.
pub(super) fn moment(
    text: &str,
    formats: &[&str],
    zone: Zone,
    account: Option<&str>,
) -> Result<Moment, (Rule, String)> {
    let text = text.trim();
    let utc = |at| Moment { at, is_date_only: false, zone: "UTC".to_owned() };
    // `24` is also a year of four digits, if of no other form.
    let mut of_long_ago = None;
    for format in formats {
        match *format {
            "%s" | "%Q" => {
                if let Some(at) = since_epoch(text, *format == "%Q") {
                    return Ok(utc(at));
                }
            }
            _ if format.contains("%z") || format.contains("%:z") || format.contains("%#z") => {
                if let Ok(at) = DateTime::parse_from_str(text, format) {
                    return Ok(Moment { zone: at.offset().to_string(), ..utc(at.with_timezone(&Utc)) });
                }
            }
            _ if format.contains("%H") || format.contains("%I") => {
                if let Ok(at) = NaiveDateTime::parse_from_str(text, format) {
                    match placed(at, false, text, zone, account) {
                        refused @ Err(_) if chrono::Datelike::year(&at) < 1_000 => {
                            of_long_ago = of_long_ago.or(Some(refused));
                        }
                        read => return read,
                    }
                }
            }
            _ => {
                if let Ok(day) = NaiveDate::parse_from_str(text, format) {
                    return placed(day.and_time(NaiveTime::MIN), true, text, zone, account);
                }
            }
        }
    }
    if let Some(refused) = of_long_ago {
        return refused;
    }
    Err(match text.is_empty() {
        true => (Rule::MissingField, "is missing".to_owned()),
        false => (Rule::InvalidDate, "is no time in a form that this layout has".to_owned()),
    })
}

fn since_epoch(text: &str, is_millis: bool) -> Option<DateTime<Utc>> {
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    let count: i64 = whole.parse().ok()?;
    if is_millis { DateTime::from_timestamp_millis(count) } else { DateTime::from_timestamp(count, 0) }
}

/// Whether there is such a zone.
pub(super) fn is_zone(name: &str) -> bool {
    name.parse::<Tz>().is_ok()
}

/// A local time in its zone.
fn placed(
    local: NaiveDateTime,
    is_date_only: bool,
    text: &str,
    zone: Zone,
    account: Option<&str>,
) -> Result<Moment, (Rule, String)> {
    let year = chrono::Datelike::year(&local);
    if !(1970..=2200).contains(&year) {
        return Err((Rule::InvalidDate, format!("is in the year {year}")));
    }
    let name = match (zone, account) {
        (Zone::Utc, _) => "UTC",
        (Zone::Account | Zone::Written, Some(name)) => name,
        (Zone::Account | Zone::Written, None) => {
            let why = "is in a time zone that the file does not say; set time_zone of the account, such as \
                       time_zone = \"America/New_York\"";
            return Err((Rule::MissingField, why.to_owned()));
        }
    };
    let tz: Tz = name.parse().map_err(|_| {
        (Rule::InvalidDate, format!("can't be placed: '{name}' is no time zone such as Europe/Madrid"))
    })?;
    // An hour that comes twice when clocks go back is the first of the two.
    match tz.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
            Ok(Moment { at: at.with_timezone(&Utc), is_date_only, zone: name.to_owned() })
        }
        LocalResult::None => {
            let why =
                format!("'{text}' does not exist in {name}: clocks go forward over it; is time_zone right?");
            Err((Rule::InvalidDate, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, formats: &[&str], zone: Zone, account: Option<&str>) -> String {
        match moment(text, formats, zone, account) {
            Ok(Moment { at, is_date_only, zone }) => {
                format!("{} {is_date_only} {zone}", at.format("%FT%T%.fZ"))
            }
            Err((_, why)) => why,
        }
    }

    #[test]
    fn a_local_time_needs_its_zone() {
        let formats = ["%Y.%m.%d %H:%M:%S"];
        assert_eq!(read("2017.10.25 01:29:37", &formats, Zone::Utc, None), "2017-10-25T01:29:37Z false UTC");
        assert_eq!(
            read("2017.10.25 01:29:37", &formats, Zone::Account, Some("Europe/Athens")),
            "2017-10-24T22:29:37Z false Europe/Athens"
        );
        let refused = read("2017.10.25 01:29:37", &formats, Zone::Account, None);
        assert!(refused.contains("time_zone = "), "{refused}");
        let nowhere = read("2017.10.25 01:29:37", &formats, Zone::Account, Some("Europe/Nowhere"));
        assert!(nowhere.contains("is no time zone"), "{nowhere}");
    }

    #[test]
    fn clocks_go_back_and_forward() {
        let formats = ["%Y-%m-%d %H:%M"];
        let madrid = Some("Europe/Madrid");
        assert_eq!(
            read("2025-10-26 02:30", &formats, Zone::Account, madrid),
            "2025-10-26T00:30:00Z false Europe/Madrid"
        );
        assert!(read("2025-03-30 02:30", &formats, Zone::Account, madrid).contains("does not exist"));
    }

    #[test]
    fn offsets_epochs_and_days() {
        assert_eq!(
            read("2018-01-10 07:15:00+00:00", &["%Y-%m-%d %H:%M:%S%:z"], Zone::Written, None),
            "2018-01-10T07:15:00Z false +00:00"
        );
        assert_eq!(read("1499865549590", &["%Q"], Zone::Utc, None), "2017-07-12T13:19:09.590Z false UTC");
        assert_eq!(
            read("08/18/2023", &["%m/%d/%Y"], Zone::Account, Some("UTC")),
            "2023-08-18T00:00:00Z true UTC"
        );
        let short = ["%Y-%m-%d %H:%M:%S", "%y-%m-%d %H:%M:%S"];
        assert_eq!(read("24-07-01 10:00:01", &short, Zone::Utc, None), "2024-07-01T10:00:01Z false UTC");
        assert_eq!(read("24-07-01 10:00:01", &short[..1], Zone::Utc, None), "is in the year 24");
        assert_eq!(read("16/09/0021", &["%d/%m/%Y"], Zone::Utc, None), "is in the year 21");
        assert!(read("", &["%F"], Zone::Utc, None).contains("missing"));
    }
}
