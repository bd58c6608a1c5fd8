//! vane-catalog
