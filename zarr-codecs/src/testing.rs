//! What every codec must pass.
