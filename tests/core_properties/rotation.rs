//! Whose turn it is, over three years.
