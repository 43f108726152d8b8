//! What the cache had to do with an answer: `$upstream_cache_status`.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheStatus {
    /// Nothing was stored.
    Miss,
    /// `proxy_cache_bypass` said not to look.
    Bypass,
    /// What was stored is too old; a peer was asked.
    Expired,
    /// Too old, and served all the same.
    Stale,
    /// As `Stale`, while somebody else asks a peer.
    Updating,
    /// Too old, and a peer said that it is still good.
    Revalidated,
    Hit,
}

impl CacheStatus {
    pub(crate) const ALL: [Self; 7] = [
        Self::Miss,
        Self::Bypass,
        Self::Expired,
        Self::Stale,
        Self::Updating,
        Self::Revalidated,
        Self::Hit,
    ];

    /// Whether the answer came from the cache.
    pub(crate) fn is_stored(self) -> bool {
        matches!(
            self,
            Self::Stale | Self::Updating | Self::Revalidated | Self::Hit
        )
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Miss => "MISS",
            Self::Bypass => "BYPASS",
            Self::Expired => "EXPIRED",
            Self::Stale => "STALE",
            Self::Updating => "UPDATING",
            Self::Revalidated => "REVALIDATED",
            Self::Hit => "HIT",
        }
    }
}
