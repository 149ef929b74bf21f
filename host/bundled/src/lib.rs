//! The provider components that ship inside the program.
