//! Offers load, counts who answered, and says how fast.
