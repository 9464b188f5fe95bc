//! What goes into one batch: neighbours that share a CQL partition, bounded in number and bytes.

/// Bounds of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchMax {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

/// Something whose size counts.
pub(super) trait Weighed {
    /// Returns the bytes that it adds to a batch.
    fn bytes(&self) -> usize;
}

/// Splits items into batches. One that is larger than a batch may be goes alone: whether it is too large is for the server to say.
pub(super) fn batches<T: Weighed>(mut items: &[T], max: BatchMax) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = items.iter().take(max.rows).take_while(|item| {
            bytes += item.bytes();
            bytes <= max.bytes
        });
        let count = fits.count().max(1).min(items.len());
        let (batch, rest) = items.split_at(count);
        items = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weighed for usize {
        fn bytes(&self) -> usize {
            *self
        }
    }

    #[track_caller]
    fn check(items: &[usize], expected: &[&[usize]]) {
        let max = BatchMax { rows: 3, bytes: 100 };
        assert_eq!(batches(items, max).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn batches_hold_so_many_rows_and_bytes_and_never_lose_one() {
        check(&[], &[]);
        check(&[1], &[&[1]]);
        check(&[1, 2, 3, 4], &[&[1, 2, 3], &[4]]);
        check(&[50, 50, 1], &[&[50, 50], &[1]]);
        check(&[1, 500, 1, 500], &[&[1], &[500], &[1], &[500]]);
    }
}
