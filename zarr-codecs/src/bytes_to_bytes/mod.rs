//! Codecs that make other bytes of bytes.

