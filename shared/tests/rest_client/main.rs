//! The REST client against a small HTTP server.
