//! The order that an operator gives to things.

/// Where a thing is to stand among its like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place<T> {
    /// Before all others.
    First,
    /// Behind all others.
    Last,
    /// Right before this one.
    Before(T),
}

/// The order after one thing went to another place. A thing that is to stand before itself stays where it is,
/// and one that is to stand before something that is not there becomes the last.
#[must_use]
pub fn moved<T: PartialEq>(mut order: Vec<T>, thing: T, to: &Place<T>) -> Vec<T> {
    if matches!(to, Place::Before(other) if *other == thing) {
        return order;
    }
    order.retain(|other| *other != thing);
    let place = match to {
        Place::First => 0,
        Place::Last => order.len(),
        Place::Before(other) => order.iter().position(|here| here == other).unwrap_or(order.len()),
    };
    order.insert(place, thing);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_moves_and_the_others_keep_their_order() {
        let after = |thing, to| moved(vec!['a', 'b', 'c', 'd'], thing, &to).into_iter().collect::<String>();
        assert_eq!(after('c', Place::First), "cabd");
        assert_eq!(after('b', Place::Last), "acdb");
        assert_eq!(after('d', Place::Before('b')), "adbc");
        assert_eq!(after('a', Place::Before('c')), "bacd");
        assert_eq!(after('b', Place::Before('c')), "abcd");
        assert_eq!(after('b', Place::Before('b')), "abcd");
    }
}
