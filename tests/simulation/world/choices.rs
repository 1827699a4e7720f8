//! Where every decision of a run comes from: a seed, or octets that a fuzzer made up.

/// The decisions of one run. Once octets are used up, every decision is the quiet one: 0 or no.
pub struct Choices {
    source: Source,
    /// What decides beside: whatever is drawn here leaves the other decisions as they are.
    aside: u64,
}

enum Source {
    Seed(u64),
    Octets { octets: Vec<u8>, used: usize },
}

impl Choices {
    pub fn from_seed(seed: u64) -> Self {
        Self { source: Source::Seed(seed), aside: !seed }
    }

    pub fn from_octets(octets: &[u8]) -> Self {
        let aside = octets.iter().fold(7, |sum: u64, octet| sum.wrapping_mul(31).wrapping_add(u64::from(*octet)));
        Self { source: Source::Octets { octets: octets.to_vec(), used: 0 }, aside }
    }

    pub fn is_over(&self) -> bool {
        match &self.source {
            Source::Seed(_) => false,
            Source::Octets { octets, used } => *used >= octets.len(),
        }
    }

    /// A number below `end`, which is 256 at most.
    pub fn below(&mut self, end: usize) -> usize {
        match &mut self.source {
            Source::Seed(state) => usize::try_from(splitmix(state) >> 32).unwrap() % end,
            Source::Octets { octets, used } => {
                let octet = octets.get(*used).copied().unwrap_or(0);
                *used += 1;
                usize::from(octet) % end
            }
        }
    }

    /// A number below `end`, whatever else was drawn.
    #[cfg_attr(not(feature = "openid"), allow(dead_code))]
    pub fn aside(&mut self, end: usize) -> usize {
        usize::try_from(splitmix(&mut self.aside) >> 32).unwrap() % end
    }

    /// Whether something happens that happens so many times in a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        percent > 0 && self.below(100) >= 100 - percent
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// 96 octets for a login, all different from those of another `serial`.
    pub fn entropy(serial: u32) -> [u8; 96] {
        let mut state = u64::from(serial);
        core::array::from_fn(|_| splitmix(&mut state).to_le_bytes()[7])
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and good enough to shuffle events.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
