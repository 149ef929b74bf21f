//! Where the next page begins.

/// The place behind which the next page begins: that of the last item, if the page is full.
pub(crate) fn next<T, P>(page: &[T], limit: u32, place: impl Fn(&T) -> P) -> Option<P> {
    let is_full = u32::try_from(page.len()).is_ok_and(|length| length >= limit);
    page.last().filter(|_| is_full).map(place)
}
