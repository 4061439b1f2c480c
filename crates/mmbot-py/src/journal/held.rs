//! Blocks of a journal that are fed and not read yet.

use mmbot_types::journal::Reader;

/// See the module.
pub(super) struct Held {
    bytes: Vec<u8>,
    /// Offset of `bytes` in the segment.
    offset: u64,
    next_seq: Option<u64>,
}

impl Held {
    /// A journal from its beginning, or from a segment that begins with the record `next_seq`.
    pub(super) const fn new(next_seq: Option<u64>) -> Self {
        Self::from(next_seq, 0)
    }

    /// A journal from the record `next_seq` on, which stands at `offset` of its segment.
    pub(super) const fn from(next_seq: Option<u64>, offset: u64) -> Self {
        Self {
            bytes: Vec::new(),
            offset,
            next_seq,
        }
    }

    /// Another segment begins: offsets count anew, numbers go on.
    pub(super) fn next_segment(&mut self) {
        self.bytes.clear();
        self.offset = 0;
    }

    pub(super) fn feed(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader::resume(&self.bytes, self.offset, self.next_seq)
    }

    /// Forgets what a reader has read.
    pub(super) fn pass_to(&mut self, offset: u64, next_seq: Option<u64>) {
        let read = usize::try_from(offset - self.offset).unwrap_or(usize::MAX);
        self.bytes.drain(..read.min(self.bytes.len()));
        self.offset = offset;
        self.next_seq = next_seq;
    }

    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) const fn next_seq(&self) -> Option<u64> {
        self.next_seq
    }
}
