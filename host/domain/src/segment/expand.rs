//! Segments that name other segments: their conditions are put in the place of their names.

use super::condition::Condition;
use super::limits::{MAX_CONDITIONS, MAX_DEPTH, MAX_EXPANSION, MAX_NESTED};

/// Why the segments that a condition names can't be put in their places.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nesting {
    /// A segment names itself, over others or at once.
    #[error("the segment would name itself: {}. Take one of the names out", path(.0))]
    Cycle(Vec<String>),
    /// Too many segments name one another in a row.
    #[error("more than {MAX_NESTED} segments name one another in a row: {}. Write one of them out", path(.0))]
    TooDeep(Vec<String>),
    /// With all that it names, it is too large.
    #[error(
        "with the segments that it names it has more than {} conditions, or goes deeper than {}: divide it with a tag",
        MAX_EXPANSION * MAX_CONDITIONS, MAX_EXPANSION * MAX_DEPTH
    )]
    TooLarge,
    /// There is no such segment.
    #[error("there is no segment `{0}`: look at the segments that there are")]
    Unknown(String),
}

fn path(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → ")
}

/// The condition with the conditions of the segments that it names in the place of their names. `own` is the
/// name of the segment whose condition it is, if it has one.
///
/// # Errors
///
/// A [`Nesting`].
pub fn expanded(
    condition: &Condition,
    own: Option<&str>,
    find: &impl Fn(&str) -> Option<Condition>,
) -> Result<Condition, Nesting> {
    let mut names: Vec<String> = own.map(str::to_owned).into_iter().collect();
    let whole = expand(condition, &mut names, find)?;
    let is_large = whole.leaves().len() > MAX_EXPANSION * MAX_CONDITIONS || whole.depth() > MAX_EXPANSION * MAX_DEPTH;
    if is_large { Err(Nesting::TooLarge) } else { Ok(whole) }
}

fn expand(
    condition: &Condition,
    names: &mut Vec<String>,
    find: &impl Fn(&str) -> Option<Condition>,
) -> Result<Condition, Nesting> {
    let mut each = |parts: &[Condition]| -> Result<Vec<Condition>, Nesting> {
        parts.iter().map(|part| expand(part, names, find)).collect()
    };
    Ok(match condition {
        Condition::All(parts) => Condition::All(each(parts)?),
        Condition::Any(parts) => Condition::Any(each(parts)?),
        Condition::Not(part) => Condition::negate(expand(part, names, find)?),
        Condition::InSegment(name) => {
            let is_cycle = names.contains(name);
            names.push(name.clone());
            if is_cycle {
                return Err(Nesting::Cycle(names.clone()));
            }
            if names.len() > MAX_NESTED {
                return Err(Nesting::TooDeep(names.clone()));
            }
            let named = find(name).ok_or_else(|| Nesting::Unknown(name.clone()))?;
            let whole = expand(&named, names, find)?;
            // Before more is put into its place: what doubles at every step grows beyond all bounds.
            if whole.leaves().len() > MAX_EXPANSION * MAX_CONDITIONS {
                return Err(Nesting::TooLarge);
            }
            names.pop();
            whole
        }
        leaf => leaf.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::parse;

    fn of(text: &str) -> Condition {
        parse(text).unwrap().condition
    }

    fn told(text: &str, own: Option<&str>, segments: &[(&str, &str)]) -> Result<String, Nesting> {
        let find = |wanted: &str| segments.iter().find(|(name, _)| *name == wanted).map(|(_, text)| of(text));
        expanded(&of(text), own, &find).map(|whole| whole.to_string())
    }

    #[test]
    fn a_named_segment_stands_for_its_condition_and_keeps_it_together() {
        let segments =
            [("germans", r#"language = "de" or language = "at""#), ("ours", r#"in_segment("germans") and on("a")"#)];
        let whole = told(r#"not in_segment("ours") and tag("x")"#, None, &segments).unwrap();
        assert_eq!(whole, r#"not ((language = "de" or language = "at") and on("a")) and tag("x")"#);
        assert_eq!(told("everyone", Some("germans"), &segments).unwrap(), "everyone");
        assert_eq!(told(r#"in_segment("x")"#, None, &segments), Err(Nesting::Unknown("x".to_owned())));
    }

    #[test]
    fn segments_that_name_themselves_and_those_without_end_are_refused() {
        let segments = [("a", r#"in_segment("b")"#), ("b", r#"tag("x") or in_segment("a")"#)];
        let fault = told(r#"in_segment("b")"#, Some("a"), &segments).unwrap_err();
        assert!(fault.to_string().contains("`a` → `b` → `a`"), "{fault}");
        let names: Vec<String> = (0..=MAX_NESTED).map(|number| number.to_string()).collect();
        let texts: Vec<String> = names.iter().skip(1).map(|next| format!(r#"in_segment("{next}")"#)).collect();
        let chain: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
        assert!(matches!(told(r#"in_segment("0")"#, None, &chain), Err(Nesting::TooDeep(_))));
        // Each names the next one ten times.
        let ten = |next: &str| vec![format!(r#"in_segment("{next}")"#); 10].join(" or ");
        let (two, three) = (ten("2"), ten("3"));
        let many = [("1", two.as_str()), ("2", three.as_str()), ("3", r#"tag("a") or tag("b")"#)];
        assert!(told(r#"in_segment("2")"#, None, &many).is_ok());
        let larger = ten("1");
        assert_eq!(told(&larger, None, &many), Err(Nesting::TooLarge));
    }
}
