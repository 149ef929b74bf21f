//! `fields` and `exclude_fields`: which parts of an answer are sent (MC-06).

use std::collections::BTreeMap;

use serde_json::Value;

/// A tree of the keys to keep. Compiled once per request, then asked key by key, so that what is not
/// sent is not made either.
#[derive(Debug)]
pub struct Projection {
    keeps_others: bool,
    children: BTreeMap<String, Projection>,
}

static EVERYTHING: Projection = Projection { keeps_others: true, children: BTreeMap::new() };

impl Projection {
    /// Compiles the two comma lists in dot notation. An absent or empty `fields` keeps everything.
    #[must_use]
    pub fn new(fields: Option<&str>, exclude_fields: Option<&str>) -> Self {
        let mut root = Self { keeps_others: true, children: BTreeMap::new() };
        let kept: Vec<&str> = names(fields).collect();
        if !kept.is_empty() {
            root.keeps_others = false;
            for path in kept {
                root.keep(path);
            }
        }
        for path in names(exclude_fields) {
            root.drop_path(path);
        }
        root
    }

    /// Everything.
    #[must_use]
    pub fn everything() -> &'static Self {
        &EVERYTHING
    }

    /// What to keep below `key`; `None` when the key itself is left out.
    #[must_use]
    pub fn child(&self, key: &str) -> Option<&Self> {
        match self.children.get(key) {
            Some(child) if child.is_nothing() => None,
            Some(child) => Some(child),
            None => self.keeps_others.then_some(&EVERYTHING),
        }
    }

    /// Whether `key` is sent.
    #[must_use]
    pub fn keeps(&self, key: &str) -> bool {
        self.child(key).is_some()
    }

    /// `value` without what is left out. Arrays are looked through: each item is treated alike.
    #[must_use]
    pub fn prune(&self, value: Value) -> Value {
        if self.keeps_others && self.children.is_empty() {
            return value;
        }
        match value {
            Value::Object(map) => map
                .into_iter()
                .filter_map(|(key, value)| {
                    let child = self.child(&key)?;
                    let value = child.prune(value);
                    Some((key, value))
                })
                .collect(),
            Value::Array(items) => items.into_iter().map(|item| self.prune(item)).collect(),
            other => other,
        }
    }

    fn is_nothing(&self) -> bool {
        !self.keeps_others && self.children.is_empty()
    }

    fn keep(&mut self, path: &str) {
        let mut node = self;
        for key in path.split('.') {
            if node.keeps_others {
                return;
            }
            node =
                node.children.entry(key.to_owned()).or_insert(Self { keeps_others: false, children: BTreeMap::new() });
        }
        node.keeps_others = true;
        node.children.clear();
    }

    fn drop_path(&mut self, path: &str) {
        let mut node = self;
        for key in path.split('.') {
            if !node.keeps_others && !node.children.contains_key(key) {
                return;
            }
            node =
                node.children.entry(key.to_owned()).or_insert(Self { keeps_others: true, children: BTreeMap::new() });
        }
        node.keeps_others = false;
        node.children.clear();
    }
}

fn names(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lists() -> Value {
        json!({"lists": [{"id": "a", "name": "A", "stats": {"x": 1, "y": 2}}], "total_items": 1})
    }

    #[test]
    fn mc_06_only_named_fields_are_kept() {
        let keep = Projection::new(Some("lists.id,lists.stats.x, total_items"), None);
        assert_eq!(keep.prune(lists()), json!({"lists": [{"id": "a", "stats": {"x": 1}}], "total_items": 1}));
        let count = Projection::new(Some("total_items"), None);
        assert_eq!(count.prune(lists()), json!({"total_items": 1}));
        assert!(!count.keeps("lists"));
    }

    #[test]
    fn mc_06_excluded_fields_are_left_out_of_what_is_kept() {
        let keep = Projection::new(None, Some("lists.stats,total_items"));
        assert_eq!(keep.prune(lists()), json!({"lists": [{"id": "a", "name": "A"}]}));
        let both = Projection::new(Some("lists"), Some("lists.name,nothing.there"));
        assert_eq!(both.prune(lists()), json!({"lists": [{"id": "a", "stats": {"x": 1, "y": 2}}]}));
        assert_eq!(Projection::new(Some(""), None).prune(lists()), lists());
    }
}
