//! Durations as people write them: `90`, `2.5` (seconds, as for `flock` and `sleep`), `1m30s`, `500ms`.

use std::time::Duration;

/// A duration that is not zero.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let duration = parse_or_zero(text)?;
    if duration.is_zero() { Err("it is zero".into()) } else { Ok(duration) }
}

pub(crate) fn parse_or_zero(text: &str) -> Result<Duration, String> {
    let parsed = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string()),
        Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string()),
    };
    parsed.map_err(|reason| format!("{reason}; write it as 30s, 1m30s or 2.5 (seconds)"))
}

/// For people: whole seconds.
pub(crate) fn shown(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_as_meant() {
        let ms = |text| parse_or_zero(text).map(|duration| duration.as_millis());
        for (text, want) in
            [("90", 90_000), ("2.5", 2_500), ("1m30s", 90_000), ("500ms", 500), ("0", 0), ("1h", 3_600_000)]
        {
            assert_eq!(ms(text), Ok(want), "{text}");
        }
        for bad in ["", "soon", "-1", "nan", "inf", "1e30", "5 apples"] {
            assert!(parse_or_zero(bad).expect_err(bad).contains("write it as"), "{bad}");
        }
        assert!(parse("0").is_err() && parse("0s").is_err() && parse("0.001").is_ok());
    }
}
