//! The store port: async use cases, each one whole transaction.
